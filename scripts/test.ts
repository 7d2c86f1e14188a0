/**
 * `npm test [FILES]`: runs every test, stops the database that the tests shared, and ends with the slowest files, those that pass
 * only alone, and one plain line of counts. A line for each process, and everything that there is to say about a failure; the whole record stays in
 * node_modules/.cache/test.tap. With `--changed` it runs what a change since `--base` can break.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { globSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { stopTestDatabase } from '../packages/postgres/src/testing.ts'
import { type Room, roomsToTest } from './changed.ts'
import { nameOf, runTests } from './run-tests.ts'

const cache = 'node_modules/.cache'
const mostTogether = 24

/** Their tests wait for key services and databases, or start stacks: they begin early and have processes of their own. */
const slowRooms = ['packages/signers', 'packages/postgres', 'packages/cli']

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    changed: { type: 'boolean', default: false },
    base: { type: 'string' },
    jobs: { type: 'string' },
  },
})
const named = positionals.length === 0 ? undefined : positionals.flatMap(testsIn)
const files = values.changed ? testsOfChange(values.base ?? usualBase()) : named
if (values.changed && files?.length === 0) {
  process.stdout.write('nothing that a test looks at has changed\n')
  process.exit(0)
}

mkdirSync(cache, { recursive: true })
const outcomes = await runTests({
  processes: processesOf(files ?? everyTest()),
  // Most tests wait now and then: for time-outs, for what starts, for a disk. More would need more connections than the database has.
  jobs: Number(values.jobs ?? Math.max(4, availableParallelism())),
  timeoutSeconds: Number(process.env['TAP_TIMEOUT'] ?? 600),
  record: `${cache}/test.tap`,
  // Each file is a process, and many start more: what one has compiled the next need not.
  environment: { ...process.env, NODE_COMPILE_CACHE: path.resolve(cache, 'compiled') },
  onLine: (line) => process.stdout.write(`${line}\n`),
})
await stopTestDatabase()

const sum = (word: 'pass' | 'fail' | 'skip') => outcomes.reduce((total, each) => total + each[word], 0)
const slowest = outcomes.toSorted((a, b) => b.seconds - a.seconds).slice(0, 5)
const told = slowest.map(({ files, seconds }) => `${nameOf(files)} ${seconds.toFixed(0)} s`)
const skipped = sum('skip') > 0 ? `, ${sum('skip')} skipped` : ''
const unsteady = outcomes.filter((each) => each.unsteady).map(({ files }) => files.join(' '))
process.stdout.write(`\nslowest: ${told.join(', ')}\n`)
if (unsteady.length > 0)
  process.stdout.write(`unsteady: ${unsteady.join(', ')} failed beside others and passed alone\n`)
process.stdout.write(`${sum('pass')} passed, ${sum('fail')} failed${skipped}\n`)
process.exitCode = sum('fail') === 0 && sum('pass') > 0 ? 0 : 1

/**
 * Files of a service share a process, and those of packages, some at a time: to load what all of them import takes longer than most
 * of their tests. Not those that do something to the process itself, nor those of the whole system, which start enough of their own.
 */
function processesOf(files: readonly string[]): readonly (readonly string[])[] {
  const processes: string[][] = []
  for (const file of files) {
    const last = processes.at(-1)
    const first = last?.[0] ?? ''
    const joins =
      !file.startsWith('e2e/') &&
      kinOf(file) === kinOf(first) &&
      (last?.length ?? 0) < mostTogether &&
      !isAlone(file) &&
      !isAlone(first)
    if (joins) last?.push(file)
    else processes.push([file])
  }
  return processes
}

/** `packages`, or such as `services/log`. */
function kinOf(file: string): string {
  const room = file.split('/', 2).join('/')
  return room.startsWith('packages/') && !slowRooms.includes(room) ? 'packages' : room
}

function isAlone(file: string): boolean {
  return /\bprocess\.(?:on|chdir|exit)\b|\/proc\/self\b/.test(readFileSync(file, 'utf8'))
}

/** Those of the whole system first, and others that take long: then nothing is left at the end that all wait for. */
function everyTest(): readonly string[] {
  const files = ['e2e', ...slowRooms, 'services/*', 'packages/*'].flatMap((rooms) =>
    globSync(`${rooms}/test/**/*.test.ts`).toSorted(),
  )
  return [...new Set(files)]
}

/** A folder stands for the tests in it. */
function testsIn(place: string): readonly string[] {
  const found = statSync(place, { throwIfNoEntry: false })
  if (found === undefined) {
    process.stderr.write(`there is no test file or folder ${place}\n`)
    process.exit(1)
  }
  return found.isDirectory()
    ? globSync('**/*.test.ts', { cwd: place, exclude: (name) => name === 'node_modules' })
        .map((file) => path.join(place, file))
        .toSorted()
    : [place]
}

/** What there is in the working tree beyond `base`, committed or not. `undefined`: every test. */
function testsOfChange(base: string): readonly string[] | undefined {
  const lines = (...words: string[]) =>
    execFileSync('git', words, { encoding: 'utf8', maxBuffer: 64 << 20 })
      .split('\n')
      .filter((line) => line !== '')
  const [since = base] = lines('merge-base', 'HEAD', base)
  const changed = [
    ...lines('diff', '--name-only', '--no-renames', since),
    ...lines('ls-files', '--others', '--exclude-standard'),
  ]
  return roomsToTest(readRooms(), changed)?.flatMap(testsIn)
}

function usualBase(): string {
  const known = spawnSync('git', ['rev-parse', '--verify', '--quiet', 'origin/main']).status === 0
  return known ? 'origin/main' : 'main'
}

function readRooms(): readonly Room[] {
  return globSync('{packages/*,services/*,e2e}/package.json').map((file) => {
    const manifest = JSON.parse(readFileSync(file, 'utf8'))
    const groups = [manifest.dependencies, manifest.devDependencies, manifest.optionalDependencies]
    return {
      folder: path.dirname(file),
      name: manifest.name,
      imports: groups.flatMap((group) => Object.keys(group ?? {})),
    }
  })
}
