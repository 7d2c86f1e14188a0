/** The commands of a working copy. */
import { spawnSync } from 'node:child_process'
import { globSync, readFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import t from 'tap'
import { roomsToTest } from '../../scripts/changed.ts'
import { runTests } from '../../scripts/run-tests.ts'

const root = path.join(import.meta.dirname, '../..')

t.test('`npm run` and the script behind it know the same commands', async (t) => {
  const { scripts } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'))
  const { stderr } = spawnSync(process.execPath, ['scripts/run.mjs', '--help'], {
    cwd: root,
    encoding: 'utf8',
  })
  const told = [...stderr.matchAll(/^ {2}([a-z-]+) {2,}\S/gm)].map(([, name]) => name)
  t.same(new Set(told), new Set(Object.keys(scripts)))
  for (const name of told) t.equal(scripts[name ?? ''], `node scripts/run.mjs ${name}`)
})

t.test('everything has one version', async (t) => {
  const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'))
  const manifests = globSync('{packages/*,services/*,e2e,scripts/programs}/package.json', { cwd: root })
  t.ok(manifests.length > 20)
  for (const file of manifests)
    t.equal(JSON.parse(readFileSync(path.join(root, file), 'utf8')).version, version, file)
})

const rooms = [
  { folder: 'packages/crypto', name: '@sigstack/crypto', imports: [] },
  { folder: 'packages/ct', name: '@sigstack/ct', imports: ['@sigstack/crypto'] },
  { folder: 'packages/merkle', name: '@sigstack/merkle', imports: [] },
  { folder: 'services/log', name: '@sigstack/log', imports: ['@sigstack/ct', '@sigstack/merkle'] },
]

t.test('a change is tested where it was made and wherever that is imported', async (t) => {
  t.same(roomsToTest(rooms, ['packages/merkle/src/tree.ts']), ['packages/merkle', 'services/log'])
  t.same(roomsToTest(rooms, ['packages/crypto/test/a.test.ts', 'packages/crypto/README.md']), [
    'packages/crypto',
    'packages/ct',
    'services/log',
  ])
  t.same(roomsToTest(rooms, ['services/log/src/main.ts']), ['services/log'])
})

t.test('prose is tested nowhere, and what every room is built with everywhere', async (t) => {
  t.same(roomsToTest(rooms, []), [])
  t.same(roomsToTest(rooms, ['docs/trust.md', 'README.md']), [])
  t.equal(roomsToTest(rooms, ['docs/trust.md', 'pnpm-lock.yaml']), undefined)
  t.equal(roomsToTest(rooms, ['packages/cryptography/src/a.ts']), undefined, 'a room that is not known')
})

const oneTest = (body: string) =>
  `import t from 'tap'\nt.test('one', async (t) => {\n  t.pass('good')\n  ${body}\n})\n`

/** Done when nobody waits for it; the test ends behind it, and another begins. */
const later = (statement: string) => `
  await new Promise((resolve) => setImmediate(() => {
    setImmediate(resolve)
    ${statement}
  }))
})
t.test('two', async (t) => {
  t.pass('good too')`

t.test('a test file fails by what it finds, and by whatever ends it before', async (t) => {
  const folder = t.testdir({
    'good.test.ts': oneTest(`t.pass('skipped', { skip: 'not here' })`),
    'bad.test.ts': oneTest(`t.fail('wrong')`),
    'broken.test.ts': 'process.exit(1)',
    'silent.test.ts': '',
    'gone.test.ts': oneTest('process.kill(process.pid, "SIGKILL")'),
    'unfinished.test.ts': oneTest('await new Promise(() => {})'),
    'thrown.test.ts': oneTest(later(`throw new Error('thrown later')`)),
    'rejected.test.ts': oneTest(later(`void Promise.reject(new Error('rejected later'))`)),
  })
  const lines: string[] = []
  const fatal = ['broken', 'silent', 'gone', 'unfinished'] as const
  const uncaught = ['thrown', 'rejected'] as const
  const names = ['good', 'bad', ...fatal, ...uncaught]
  const outcomes = await runTests({
    processes: names.map((name) => [path.join(folder, `${name}.test.ts`)]),
    jobs: 3,
    timeoutSeconds: 300,
    record: path.join(folder, 'record.tap'),
    environment: process.env,
    onLine: (line) => lines.push(line),
  })
  const outcomeOf = (name: string) =>
    outcomes.find(({ files: [file = ''] }) => path.basename(file) === `${name}.test.ts`)
  t.match(outcomeOf('good'), { pass: 1, fail: 0, skip: 1 })
  t.match(outcomeOf('bad'), { pass: 1, fail: 1 })
  for (const name of [...fatal, ...uncaught]) t.ok((outcomeOf(name)?.fail ?? 0) > 0, `${name} is a failure`)
  const said = lines.join('\n')
  for (const words of ['not ok 2 - wrong', 'ended with 1', 'said nothing of its tests', 'ended with SIGKILL'])
    t.match(said, words)
  for (const name of uncaught) {
    t.match(said, `not ok 2 - ${name} later`, 'it is the test under way that has failed')
    t.equal(outcomeOf(name)?.pass, 2, 'and those after it are run')
  }
  t.notMatch(said, 'ok 1 - good', 'what is good is in the record alone')
  t.match(readFileSync(path.join(folder, 'record.tap'), 'utf8'), 'ok 1 - good')
})

/** Fails the first time alone, and keeps a journal of its runs beside it. */
const unsteadyTest = (name: string) => `
  import { appendFileSync, readFileSync } from 'node:fs'
  import path from 'node:path'
  import t from 'tap'
  const journal = path.join(import.meta.dirname, 'journal')
  appendFileSync(journal, '${name} begins\\n')
  t.test('one', async (t) => {
    t.equal(readFileSync(journal, 'utf8').split('${name} begins').length, 3)
    t.pass('good')
  })
  t.teardown(() => appendFileSync(journal, '${name} ends\\n'))`

t.test('what fails beside others is run once more, alone, and told apart when it passes', async (t) => {
  const folder = t.testdir({
    'good.test.ts': oneTest(''),
    'bad.test.ts': oneTest(`t.fail('wrong')`),
    'first.test.ts': unsteadyTest('first'),
    'second.test.ts': unsteadyTest('second'),
  })
  const lines: string[] = []
  const names = ['good', 'bad', 'first', 'second']
  const outcomes = await runTests({
    processes: names.map((name) => [path.join(folder, `${name}.test.ts`)]),
    jobs: 4,
    timeoutSeconds: 300,
    record: path.join(folder, 'record.tap'),
    environment: process.env,
    onLine: (line) => lines.push(line),
  })
  const found = outcomes.map(({ files: [file = ''], unsteady, pass, fail }) => [
    path.basename(file, '.test.ts'),
    { unsteady, pass, fail },
  ])
  t.equal(found.length, names.length, 'each counts once')
  t.same(Object.fromEntries(found), {
    good: { unsteady: false, pass: 1, fail: 0 },
    bad: { unsteady: false, pass: 1, fail: 1 },
    first: { unsteady: true, pass: 2, fail: 0 },
    second: { unsteady: true, pass: 2, fail: 0 },
  })
  t.equal(lines.filter((line) => line.startsWith('once more, alone: ')).length, 3)
  t.equal(lines.filter((line) => /^\s+not ok 1 - should be equal/.test(line)).length, 2, 'failures are shown')
  const again = readFileSync(path.join(folder, 'journal'), 'utf8').trim().split('\n').slice(-4)
  t.match(again.join(), /^(\w+) begins,\1 ends,(\w+) begins,\2 ends$/, 'one after the other')
})

t.test('nothing is run again where nearly nothing passes, or where nothing ran beside it', async (t) => {
  const names = ['a', 'b', 'c', 'd']
  const folder = t.testdir(Object.fromEntries(names.map((name) => [`${name}.test.ts`, unsteadyTest(name)])))
  const run = (tried: readonly string[]) =>
    runTests({
      processes: tried.map((name) => [path.join(folder, `${name}.test.ts`)]),
      jobs: 4,
      timeoutSeconds: 300,
      record: path.join(folder, 'record.tap'),
      environment: process.env,
      onLine: () => {},
    })
  for (const tried of [names, ['a']]) {
    rmSync(path.join(folder, 'journal'), { force: true })
    const outcomes = await run(tried)
    t.same(
      outcomes.map(({ fail, unsteady }) => ({ fail, unsteady })),
      tried.map(() => ({ fail: 1, unsteady: false })),
    )
  }
})

t.test('files that share a process are tested one after the other, each in its own folder', async (t) => {
  const one = `import t from 'tap'
    const folder = t.testdir({ name: 'one' })
    process.env.ONLY_HERE = '1'
    t.teardown(() => {})
    t.test('the first', async (t) => t.match(folder, /one\\.test\\.ts$/))
    t.test('its last', async (t) => t.ok(process.env.ONLY_HERE))`
  const other = `import t from 'tap'
    const isClean = process.env.ONLY_HERE === undefined
    t.test('the second', async (t) => t.ok(isClean, 'nothing is left of the first'))`
  const folder = t.testdir({ 'one.test.ts': one, 'other.test.ts': other })
  const record = path.join(folder, 'record.tap')
  const [outcome] = await runTests({
    processes: [['one', 'other'].map((name) => path.join(folder, `${name}.test.ts`))],
    jobs: 1,
    timeoutSeconds: 300,
    record,
    environment: process.env,
    onLine: () => {},
  })
  t.match(outcome, { pass: 5, fail: 0 })
  const names = [...readFileSync(record, 'utf8').matchAll(/^ {4}ok \d+ - (.*?) #/gm)].map(([, name]) => name)
  t.strictSame(
    names.filter((name) => !name?.endsWith('is loaded')),
    ['the first', 'its last', 'the second'],
  )
})

t.test('the folder of a test is there until its teardowns are done, though it was made first', async (t) => {
  const file = `import { existsSync } from 'node:fs'
    import t from 'tap'
    t.test('outer', async (t) => {
      const folder = t.testdir({})
      t.teardown(() => existsSync(folder) || process.exit(3))
      await t.test('inner', async (t) => {
        const folder = t.testdir({})
        t.teardown(() => existsSync(folder) || process.exit(3))
      })
    })`
  const folder = t.testdir({ 'alone.test.ts': file, 'one.test.ts': file, 'other.test.ts': file })
  const at = (name: string) => path.join(folder, `${name}.test.ts`)
  const outcomes = await runTests({
    processes: [[at('alone')], [at('one'), at('other')]],
    jobs: 1,
    timeoutSeconds: 300,
    record: path.join(folder, 'record.tap'),
    environment: process.env,
    onLine: () => {},
  })
  t.same(
    outcomes.map(({ fail }) => fail),
    [0, 0],
  )
})
