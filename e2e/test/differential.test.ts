import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { knownCaDifferences } from '../differential/ca/known-differences.ts'
import { compareFacts, type Difference } from '../differential/facts.ts'
import { judge, type KnownDifference } from '../differential/known-difference.ts'
import { hasOpenDifferences, toText } from '../differential/report.ts'

const folder = await mkdtemp(path.join(tmpdir(), 'sigstack-differential-test-'))
t.teardown(() => rm(folder, { recursive: true, force: true }))

const facts = (more: Record<string, string>) => new Map(Object.entries({ status: '200', ...more }))

t.test('every known difference is a row of its page, and every row is one', async (t) => {
  const pages: Record<string, readonly KnownDifference[]> = { 'fulcio.md': knownCaDifferences }
  for (const [page, known] of Object.entries(pages)) {
    const content = await readFile(new URL(`../../docs/dialects/${page}`, import.meta.url), 'utf8')
    const section = content.split('## Seen in the differential run')[1]?.split('\n## ')[0] ?? ''
    const firstColumn = [...section.matchAll(/^\| (\S.*?) *\|/gm)].map(([, cell]) => cell)
    const [, , ...rows] = firstColumn // without head and rule
    t.same(new Set(rows), new Set(known.map(({ name }) => name)), page)
  }
})

t.test('a fact that differs, or that one side alone has, is a difference', (t) => {
  t.same(compareFacts('it', facts({ a: '1', b: '2', c: '3' }), facts({ a: '1', b: '4', d: '5' })), [
    { case: 'it', fact: 'b', ours: '2', upstream: '4' },
    { case: 'it', fact: 'c', ours: '3', upstream: undefined },
    { case: 'it', fact: 'd', ours: undefined, upstream: '5' },
  ])
  t.end()
})

t.test('of answers with different statuses only status and reason are told', (t) => {
  const found = compareFacts(
    'it',
    facts({ 'header a': 'x', 'body.message': 'no' }),
    facts({ status: '400', 'header a': 'y' }),
  )
  t.same(
    found.map(({ fact }) => fact),
    ['status', 'body.message'],
  )
  t.end()
})

t.test('a difference is known only where case, fact and both texts fit', (t) => {
  const difference: Difference = { case: 'body: x', fact: 'body.message', ours: 'ours', upstream: undefined }
  const known: KnownDifference = {
    name: 'words',
    cases: /^body/,
    fact: /message$/,
    ours: /^ours$/,
    upstream: /^$/,
  }
  t.same(judge([difference], [known]), {
    open: [],
    seen: [{ name: 'words', differences: [difference] }],
    unseen: [],
  })
  const changes: Partial<Difference>[] = [
    { case: 'a body' },
    { fact: 'status' },
    { ours: 'other' },
    { upstream: 'theirs' },
  ]
  for (const change of changes) {
    const other = { ...difference, ...change }
    t.same(judge([other], [known]), { open: [other], seen: [], unseen: ['words'] }, JSON.stringify(change))
  }
  t.end()
})

t.test('the report names what is open, known and not seen', (t) => {
  const comparison = {
    dialect: 'ca',
    upstream: 'fulcio v1',
    requests: 2,
    facts: 3,
    differences: [
      { case: 'one', fact: 'status', ours: '200', upstream: '400' },
      { case: 'two', fact: 'header x', ours: 'y', upstream: undefined },
    ],
    known: [
      { name: 'of headers', fact: /^header/ },
      { name: 'of bodies', fact: /^body/ },
    ],
    measured: ['as fast as light'],
  }
  t.ok(hasOpenDifferences(comparison))
  t.notOk(hasOpenDifferences({ ...comparison, differences: comparison.differences.slice(1) }))
  t.equal(
    toText(comparison),
    [
      'ca: 2 requests to ours and to fulcio v1, 3 facts compared',
      '  known, in 1: of headers',
      '  known, but not seen in this run: of bodies',
      '  OPEN one: status',
      '    ours     "200"',
      '    upstream "400"',
      '  as fast as light',
      '  1 open: mend them, or list them with their reason in docs/dialects and known-differences.ts',
      '',
    ].join('\n'),
  )
  t.end()
})

t.test('a machine without the server says so and fails nothing', async (t) => {
  const environment = { PATH: folder, SIGSTACK_INTEROP_CACHE: folder, HOME: folder }
  const plain = await run(['ca'], environment)
  t.equal(plain.status, 0)
  t.match(plain.stdout, /^ca: not compared: this machine has no upstream server: go is not on the PATH\n$/)
  const asJson = await run(['ca', '--json'], environment)
  t.equal(asJson.status, 0)
  t.same(JSON.parse(asJson.stdout), [
    { dialect: 'ca', skipped: 'this machine has no upstream server: go is not on the PATH' },
  ])
})

t.test('an unknown dialect is refused with those there are', async (t) => {
  const { status, stderr } = await run(['rekor'], { PATH: folder })
  t.equal(status, 2)
  t.match(stderr, /no dialect rekor; there are ca/)
})

async function run(args: readonly string[], environment: Readonly<Record<string, string>>) {
  const main = new URL('../differential/main.ts', import.meta.url).pathname
  const child = spawn(process.execPath, [main, ...args], { env: environment })
  const exited = new Promise<number | null>((resolve) => child.on('exit', resolve))
  const [stdout, stderr, status] = await Promise.all([text(child.stdout), text(child.stderr), exited])
  return { stdout, stderr, status }
}
