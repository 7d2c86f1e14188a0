import type { DearReads } from '@sigstack/rekor-log'
import { parseCertificatesPem } from '@sigstack/x509'
import t from 'tap'
import { acceptedRoots } from '../src/roots/accepted-roots.ts'
import { createTestCa } from './certified.ts'
import { json, openCt, openRekor, proposalFor, type RekorUnderTest } from './support.ts'

const issuer = 'https://accounts.example.org'
const long = { type: 'uri', value: `https://example.org/${'a'.repeat(40_000)}` } as const

async function post({ app }: RekorUnderTest, proposal: unknown) {
  const payload = JSON.stringify(proposal)
  const answer = await app.inject({ method: 'POST', url: '/api/v1/log/entries', headers: json, payload })
  return { status: answer.statusCode, body: answer.json() }
}

const statusOf = async ({ app }: Pick<RekorUnderTest, 'app'>, url: string) =>
  (await app.inject({ method: 'GET', url })).statusCode

t.test('an entry that no bundle can hold is refused, so that all others can be read by tiles', async (t) => {
  const rekor = await openRekor(t)
  const ca = await createTestCa()
  t.equal((await post(rekor, proposalFor('before'))).status, 201)
  const refused = await post(rekor, (await ca.propose('large', long, issuer)).proposal)
  t.match(refused, {
    status: 413,
    body: { code: 413, message: /has \d{5,} bytes, and this log takes at most 65535/ },
  })
  t.equal((await post(rekor, proposalFor('after'))).status, 201)
  t.equal(await statusOf(rekor, '/tile/entries/000.p/2'), 200)
})

t.test('the limit is on what is logged, to the byte', async (t) => {
  const proposal = proposalFor('exact')
  const [entry] = Object.values((await post(await openRekor(t), proposal)).body) as [{ body: string }]
  const { length } = Buffer.from(entry.body, 'base64')
  t.equal((await post(await openRekor(t, { entryLimitBytes: length - 1 }), proposal)).status, 413)
  t.equal((await post(await openRekor(t, { entryLimitBytes: length }), proposal)).status, 201)
})

t.test('where larger ones are wanted, the bundles that hold them are not there; all else is', async (t) => {
  const rekor = await openRekor(t, { entryLimitBytes: 1_000_000 })
  const ca = await createTestCa()
  t.equal((await post(rekor, proposalFor('before'))).status, 201)
  t.equal((await post(rekor, (await ca.propose('large', long, issuer)).proposal)).status, 201)
  t.equal((await post(rekor, proposalFor('after'))).status, 201)
  t.equal(await statusOf(rekor, '/tile/entries/000.p/1'), 200)
  t.equal(await statusOf(rekor, '/tile/entries/000.p/3'), 404)
  t.equal(await statusOf(rekor, '/tile/0/000.p/3'), 200)
  for (const index of [0, 1, 2]) t.equal(await statusOf(rekor, `/api/v1/log/entries?logIndex=${index}`), 200)
})

t.test(
  'many large entries in one answer have turns, few are read at once, and networks take turns',
  async (t) => {
    const passed: string[] = []
    const bytes: number[] = []
    const release = Promise.withResolvers<void>()
    const four = Promise.withResolvers<void>()
    const dearReads: DearReads = {
      pass: async ({ network }, read, sentBytesOf) => {
        passed.push(network)
        if (passed.length === 4) four.resolve()
        await release.promise
        const made = await read()
        bytes.push(sentBytesOf(made))
        return made
      },
      give: async (_asker, made) => made,
    }
    const rekor = await openRekor(t, { dearReads })
    const ca = await createTestCa()
    const san = { ...long, value: long.value.slice(0, 25_000) }
    t.equal((await post(rekor, (await ca.propose('large', san, issuer)).proposal)).status, 201)
    const retrieve = (count: number, remoteAddress: string) =>
      rekor.app.inject({
        method: 'POST',
        url: '/api/v1/log/entries/retrieve',
        payload: JSON.stringify({ logIndexes: Array.from({ length: count }, () => 0) }),
        headers: json,
        remoteAddress,
      })
    const one = await retrieve(1, '192.0.2.1')
    t.equal(one.statusCode, 200)
    t.same(passed, [], 'one has no need of a turn')

    const hostile = Array.from({ length: 206 }, () => retrieve(4, '192.0.2.1'))
    await four.promise
    const honest = retrieve(1, '192.0.2.2')
    let isAnswered = false
    void honest.then(() => {
      isAnswered = true
    })
    await Promise.all(hostile.slice(-2))
    t.same(passed, Array(4).fill('192.0.2.1'), 'others wait before anything is read for them')
    t.notOk(isAnswered)
    release.resolve()
    t.equal((await honest).body, one.body)
    const answers = await Promise.all(hostile)
    const before = passed.length
    t.equal(await statusOf(rekor, '/tile/entries/000.p/1'), 200)
    t.equal(passed.length, before + 1, 'bundles have the same turns')
    const statuses = answers.map(({ statusCode }) => statusCode)
    t.same(statuses, [...Array(204).fill(200), 503, 503], 'half of the room is for others')
    t.match(answers.at(-1)?.headers, { 'retry-after': /^\d+$/ })
    const lengths = answers.slice(0, 204).map(({ rawPayload }) => rawPayload.length)
    t.same(bytes.slice(0, 204), lengths)
    t.equal(JSON.parse(answers[0]?.body ?? '').length, 4)
  },
)

t.test('the same holds of a CT log', async (t) => {
  const ca = await createTestCa()
  const roots = acceptedRoots([ca.root.der])
  const rootSource = { current: () => roots, refresh: async () => {} }
  const { chainPem: usual } = await ca.propose('a', { type: 'email', value: 'ann@example.org' }, issuer)
  // A certificate may have 65,536 bytes, and an entry is a little more than that.
  const { chainPem: large } = await ca.propose(
    'b',
    { ...long, value: long.value.padEnd(65_015, 'a') },
    issuer,
  )
  const submit = async (log: Awaited<ReturnType<typeof openCt>>, pem: string) => {
    const chain = parseCertificatesPem(pem).map(({ der }) => Buffer.from(der).toString('base64'))
    const payload = JSON.stringify({ chain })
    return log.app.inject({ method: 'POST', url: '/ct/v1/add-chain', headers: json, payload })
  }
  const log = await openCt(t, { roots: rootSource })
  t.equal((await submit(log, usual)).statusCode, 200)
  const refused = await submit(log, large)
  t.equal(refused.statusCode, 413)
  t.match(refused.body, /has \d{5} bytes, and this log takes at most 65535/)
  t.equal(await statusOf(log, '/tile/entries/000.p/1'), 200)
})
