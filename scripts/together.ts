/** `node scripts/together.ts FILES`: test files one after the other in one process, which loads only once what they share. */
import path from 'node:path'
import { pathToFileURL } from 'node:url'

// Before tap is there, which takes the words behind a program for a part of its name.
const files = process.argv.splice(2)
const { default: t } = await import('tap')

const timeoutMs = Number(process.env['TAP_TIMEOUT'] ?? 600) * 1000
const environment = { ...process.env }

/** Loaded in a test: without one under way the end of the first file would be the end of all. The tests of a file come behind it. */
function load([file, ...others]: readonly string[]): void {
  if (file === undefined) return
  void t.test(`${file} is loaded`, async (loading) => {
    restoreEnvironment()
    t.testdirName = path.resolve('.tap/fixtures', file.replaceAll(/[^\w.-]+/g, '-'))
    await import(pathToFileURL(path.resolve(file)).href)
    // Instead of what the file may have set for itself.
    t.setTimeout(timeoutMs)
    loading.pass()
    load(others)
  })
}

/** What a file sets is not meant for the next one; but for options of Node, which come with what is loaded. */
function restoreEnvironment(): void {
  const { NODE_OPTIONS } = process.env
  for (const name of Object.keys(process.env)) Reflect.deleteProperty(process.env, name)
  Object.assign(process.env, environment, NODE_OPTIONS !== undefined && { NODE_OPTIONS })
}

load(files)
