/**
 * Where the bundled programs of the sources as they are now lie: a folder of node_modules/.cache/programs for each state of them. Plain
 * JavaScript, since `npm run` reads it on whatever Node there is.
 */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import path from 'node:path'

/** What was started from one of them may still load a part of it. */
const mostKept = 5

/** `installed` tells which dependencies there are. */
export function programsFolder(root, installed) {
  const hash = createHash('sha256').update(installed)
  for (const file of sourcesOf(root)) hash.update(`\0${file}\0`).update(readFileSync(path.join(root, file)))
  return path.join(root, 'node_modules/.cache/programs', hash.digest('hex').slice(0, 16))
}

/** Of all beside `folder` the newest stay. */
export function forgetOld(folder) {
  const others = readdirSync(path.dirname(folder))
    .map((name) => path.join(path.dirname(folder), name))
    .filter((each) => each !== folder)
    .map((each) => ({ each, ms: statSync(each).mtimeMs }))
  const old = others.sort((a, b) => b.ms - a.ms).slice(mostKept - 1)
  for (const { each } of old) rmSync(each, { recursive: true, force: true })
}

function sourcesOf(root) {
  const files = ['scripts/tool/sources.ts']
  const add = (folder) => {
    for (const entry of readdirSync(path.join(root, folder), { recursive: true, withFileTypes: true }))
      if (entry.isFile()) files.push(path.relative(root, path.join(entry.parentPath, entry.name)))
  }
  add('scripts/programs')
  for (const rooms of ['packages', 'services'])
    for (const room of readdirSync(path.join(root, rooms))) {
      const folder = `${rooms}/${room}`
      if (!existsSync(path.join(root, folder, 'package.json'))) continue
      files.push(`${folder}/package.json`)
      add(`${folder}/src`)
    }
  return files.sort()
}
