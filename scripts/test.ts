/**
 * `npm test [FILES]`: builds tap's plugins once, runs every test, stops the database that the tests shared, and ends with one plain
 * line of counts. A line for each file, and everything that tap has to say about a failure; the whole record stays in
 * node_modules/.cache/test.tap.
 */
import { spawn, spawnSync } from 'node:child_process'
import { createWriteStream, existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { stopTestDatabase } from '../packages/postgres/src/testing.ts'

const cache = 'node_modules/.cache'
const built = `${cache}/tap-built`

mkdirSync(cache, { recursive: true })
// Every installation brings back tap's default plugins, one of which cannot load this TypeScript.
if (!isNewer(built, 'node_modules/.modules.yaml') || !isNewer(built, '.taprc')) {
  if (spawnSync('tap', ['build'], { stdio: 'inherit' }).status !== 0) process.exit(1)
  writeFileSync(built, '')
}
const { status, counts } = await runTap(process.argv.slice(2))
await stopTestDatabase()

const skipped = counts.skip > 0 ? `, ${counts.skip} skipped` : ''
process.stdout.write(`\n${counts.pass} passed, ${counts.fail} failed${skipped}\n`)
process.exitCode = status === 0 && counts.fail === 0 && counts.pass > 0 ? 0 : 1

type Counts = { readonly pass: number; readonly fail: number; readonly skip: number }

async function runTap(files: readonly string[]): Promise<{ status: number; counts: Counts }> {
  const tap = spawn('tap', ['run', '--disable-coverage', '--reporter=tap', ...files], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = new Promise<number>((resolve) => tap.on('exit', (code) => resolve(code ?? 1)))
  const record = createWriteStream(`${cache}/test.tap`)
  let counts: Counts = { pass: 0, fail: 0, skip: 0 }
  let inFailure = false
  for await (const line of createInterface({ input: tap.stdout })) {
    record.write(`${line}\n`)
    if (/^# \{.*\}$/.test(line)) counts = countsOf(line)
    const point = /^(\s*)(not )?ok \d+/.exec(line)
    if (point !== null) inFailure = point[2] !== undefined
    const ofFile = point?.[1] === ''
    const skip = / # SKIP/i.test(line)
    if (inFailure || ofFile || skip) process.stdout.write(`${line}\n`)
  }
  record.end()
  return { status: await exited, counts }
}

function isNewer(file: string, than: string): boolean {
  return existsSync(file) && statSync(file).mtimeMs > statSync(than).mtimeMs
}

/** The totals of tap's summary line, as in `# { total: 8, pass: 7, fail: 1 }`. */
function countsOf(summary: string): Counts {
  const count = (word: string) => Number(new RegExp(`${word}: (\\d+)`).exec(summary)?.[1] ?? 0)
  return { pass: count('pass'), fail: count('fail'), skip: count('skip') }
}
