import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { entryKinds } from '@sigstack/rekor-entries'
import t, { type Test } from 'tap'
import { knownCaDifferences } from '../differential/ca/known-differences.ts'
import { factsOfRun } from '../differential/cosign/facts-of-run.ts'
import { knownCosignDifferences } from '../differential/cosign/known-differences.ts'
import { lines, nameOf } from '../differential/cosign/lines.ts'
import { send } from '../differential/exchange.ts'
import { compareFacts, type Difference } from '../differential/facts.ts'
import { judge, type KnownDifference } from '../differential/known-difference.ts'
import { answerFacts } from '../differential/rekor-v1/answer-facts.ts'
import { knownRekorDifferences } from '../differential/rekor-v1/known-differences.ts'
import { mutationsOf } from '../differential/rekor-v1/mutations.ts'
import { allProposals } from '../differential/rekor-v1/proposals.ts'
import type { Side } from '../differential/rekor-v1/side.ts'
import { allCases } from '../differential/rekor-v2/cases.ts'
import { knownRekorV2Differences } from '../differential/rekor-v2/known-differences.ts'
import { hasOpenDifferences, toText } from '../differential/report.ts'
import { knownTsaDifferences } from '../differential/tsa/known-differences.ts'
import { createChecker } from '../support/checker/checker.ts'
import { encodeRequest, openSocket } from '../support/http-socket.ts'
import { startProgram } from '../support/program.ts'

const folder = await mkdtemp(path.join(tmpdir(), 'sigstack-differential-test-'))
t.teardown(() => rm(folder, { recursive: true, force: true }))

const facts = (more: Record<string, string>) => new Map(Object.entries({ status: '200', ...more }))

t.test('every known difference is an item of its page, and every item is one', async (t) => {
  const pages: Record<string, readonly KnownDifference[]> = {
    'fulcio.md': knownCaDifferences,
    'rekor-v1.md': knownRekorDifferences,
    'rekor-v2.md': knownRekorV2Differences,
    'cosign.md': knownCosignDifferences,
    'timestamp-authority.md': knownTsaDifferences,
  }
  for (const [page, known] of Object.entries(pages)) {
    const content = await readFile(new URL(`../../docs/dialects/${page}`, import.meta.url), 'utf8')
    const section = content.split('## Seen in the differential run')[1]?.split('\n## ')[0] ?? ''
    const told = [...section.matchAll(/^- \*\*([^*]+)\*\*: /gm)].map(([, name]) =>
      name?.replaceAll(/\s+/g, ' '),
    )
    t.same(new Set(told), new Set(known.map(({ name }) => name)), page)
  }
})

t.test('each request to a log of Rekor v2 has a name of its own', async (t) => {
  const names = allCases().map(({ name }) => name)
  t.ok(names.length > 250)
  t.same(
    names.filter((name, at) => names.indexOf(name) !== at),
    [],
  )
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
  t.match(stderr, /no dialect rekor; there are ca, rekor-v1, rekor-v2, tsa, cosign/)
})

t.test('of a command line what scripts see is compared, and what must differ is not', async (t) => {
  t.ok(lines.length > 150)
  t.equal(new Set(lines.map(nameOf)).size, lines.length, 'each is there once')
  const side = { folder: '/tmp/ours', repository: 'localhost:1/ours', run: () => Promise.reject(new Error()) }
  const hex = 'ab'.repeat(32)
  const of = (stdout: string, stderr = '', known: readonly string[] = []) =>
    factsOfRun({ status: 0, stdout, stderr }, side, [new Map(), new Map([['a', '600 1']])], known)
  t.equal(of('').get('files'), 'a 600')
  t.equal(
    of(`localhost:1/ours/app@sha256:${hex} in /tmp/ours`).get('stdout'),
    '{repo}/app@sha256:<hex> in {folder}',
  )
  const both = `sha256:${hex}`
  t.equal(of(both, '', [both]).get('stdout'), both, 'what both have is compared')
  const checks = '\nThe following checks were performed on each of these signatures:\n  - One\n  - Two\n'
  for (const [stderr, kind] of [
    ['', 'nothing that counts'],
    ['Flag --x has been deprecated\nPushing\n', 'nothing that counts'],
    ['WARNING: x\nError: y\n', 'an error'],
    ['Sure? [y/N] Error: y\n', 'an error'],
    [`WARNING: x\n${checks}`, 'warning and checks'],
    ['Verified OK\n', 'verified'],
    ['Wrote bundle to file x\n', 'written'],
  ] as const)
    t.equal(of('', stderr).get('stderr'), kind)
  t.equal(of('', `  - Zero\n${checks}`).get('checks'), 'One; Two')
})

t.test('an example is altered in one member at a time', (t) => {
  const spec = { list: [{ a: 'text' }], data: 'AAECAwQFBgcICQoLDA0=' }
  const altered = mutationsOf({ name: 'x', proposal: { kind: 'x', apiVersion: '0.0.1', spec } })
  const byName = new Map(altered.map(({ name, proposal }) => [name, proposal.spec]))
  t.same(byName.get('x: spec.list left out'), { ...spec, list: undefined })
  t.same(byName.get('x: spec.list.0.a null'), { ...spec, list: [{ a: null }] })
  t.same(byName.get('x: spec.list.0 left out'), { ...spec, list: [] })
  t.same(byName.get('x: spec.data with the first byte changed'), { ...spec, data: 'AQECAwQFBgcICQoLDA0=' })
  t.notOk(byName.has('x: kind left out'), 'one example stands for the frame of all')
  t.notOk(altered.some(({ proposal }) => JSON.stringify(proposal.spec) === JSON.stringify(spec)))
  t.end()
})

t.test('of an entry the body is compared, and what is the log’s own is only checked', async (t) => {
  const held: string[] = []
  const hold = async (id: string) => {
    held.push(id)
    if (id.startsWith('00000000000000ff')) throw new Error('no such tree')
  }
  const side: Side = {
    url: 'http://x',
    treeId: '5',
    treeHex: '0000000000000005',
    checker: { ...createChecker(), hold },
    leafHashes: new Set(),
    normalise: (words) => words.replaceAll('0000000000000005', '<tree in hex>'),
  }
  const factsOf = (value: unknown) =>
    answerFacts(
      { status: 200, headers: new Map(), body: Buffer.from(JSON.stringify(value)) },
      side,
      (leafHash) => leafHash === 'a'.repeat(64),
    )
  const entry = (logIndex: number) => ({
    body: Buffer.from('{}').toString('base64'),
    integratedTime: Math.floor(Date.now() / 1000),
    logID: 'ab',
    logIndex,
    verification: {
      inclusionProof: {
        checkpoint: 'x - 5\n3\nroot',
        hashes: ['a'],
        logIndex: 2,
        rootHash: 'r',
        treeSize: 3,
      },
      signedEntryTimestamp: 'set',
    },
  })
  const own = `${side.treeHex}${'a'.repeat(64)}`
  const good = await factsOf({ [own]: entry(2) })
  t.equal(good.get('entry 0 canonical body'), '{}')
  t.equal(good.get('entry 0 ID'), 'a'.repeat(64))
  t.equal(good.get('entry 0 index'), 'that in its tree')
  t.equal(good.get('entry 0 time'), 'of this run')
  t.equal(good.get('entry 0 proofs'), 'hold')
  t.same([...side.leafHashes], ['a'.repeat(64)])

  const foreign = `00000000000000ff${'b'.repeat(64)}`
  const bad = await factsOf([{ [foreign]: entry(1) }])
  t.equal(bad.get('entry 0 ID'), `of another tree: ${foreign}`)
  t.equal(bad.get('entry 0 index'), 'another than in its tree')
  t.equal(bad.get('entry 0 proofs'), 'Error: no such tree')
  t.same(held, [own, foreign])

  const found = await factsOf([`${side.treeHex}${'c'.repeat(64)}`, own])
  t.equal(found.get('entries found'), 'a'.repeat(64), 'what one log alone holds does not count')
})

t.test('there is an example of every kind', (t) => {
  const examples = allProposals().filter(({ isExample }) => isExample)
  t.same(new Set(examples.map(({ proposal }) => proposal.kind)), new Set(entryKinds))
  t.end()
})

t.test('a large body that is refused before it is read still gets its answer', async (t) => {
  const server = createServer((_, response) => {
    response.writeHead(413, { connection: 'close' })
    response.end('too large')
  })
  const url = await listening(t, server)
  const answer = await send(url.href, { method: 'POST', path: '/', body: Buffer.alloc(8 << 20) })
  t.same([answer.status, answer.body.toString()], [413, 'too large'])
})

t.test('where no answer comes the reason is the body, and the status 0', async (t) => {
  const server = createServer((request) => request.socket.destroy())
  const url = await listening(t, server)
  const answer = await send(url.href, { method: 'GET', path: '/' })
  t.same([answer.status, answer.body.toString()], [0, 'socket hang up'])
})

t.test('a program that ends instead of being ready is told with its status and its log', async (t) => {
  const logFile = path.join(folder, 'program.log')
  const args = ['-e', 'console.log("no such flag"); process.exit(3)']
  const isReady = async (): Promise<boolean> => false
  await t.rejects(startProgram({ name: 'it', command: process.execPath, args, logFile, isReady }), {
    message: `it did not start (it ended with 3); see ${logFile}`,
  })
  t.equal(await readFile(logFile, 'utf8'), 'no such flag\n')
})

t.test('an answer in chunks is whole with its last chunk', async (t) => {
  const server = createServer((_, response) => {
    response.write('{"a":1')
    setImmediate(() => response.end('}'))
  })
  const url = await listening(t, server)
  const socket = await openSocket(url)
  t.teardown(() => socket.close())
  for (const time of ['first', 'second']) {
    const { status, body } = await socket.send(encodeRequest('GET', url))
    t.same([status, body.toString()], [200, '6\r\n{"a":1\r\n1\r\n}\r\n0\r\n\r\n'], time)
  }
})

async function listening(t: Test, server: Server): Promise<URL> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => new Promise((resolve) => server.close(resolve)))
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
}

async function run(args: readonly string[], environment: Readonly<Record<string, string>>) {
  const main = new URL('../differential/main.ts', import.meta.url).pathname
  const { NODE_COMPILE_CACHE } = process.env
  const env = { ...environment, ...(NODE_COMPILE_CACHE !== undefined && { NODE_COMPILE_CACHE }) }
  const child = spawn(process.execPath, [main, ...args], { env })
  const exited = new Promise<number | null>((resolve) => child.on('exit', resolve))
  const [stdout, stderr, status] = await Promise.all([text(child.stdout), text(child.stderr), exited])
  return { stdout, stderr, status }
}
