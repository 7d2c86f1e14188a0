import { anyCodePoint } from '@sigstack/crypto/testing'
import fc from 'fast-check'
import t, { type Test as TapTest } from 'tap'
import { acceptedRoots } from '../src/roots/accepted-roots.ts'
import { entryVector, json, openCt, openRekor, proposalFor } from './support.ts'

fc.configureGlobal({ seed: 1 })

/** Requests that no client means: wrong types, cut-off documents, arbitrary bytes. */
const value = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom(null, [], {}, '', 0, -1, 1e308, 2 ** 53, true, '\u0000', 'A'.repeat(70), {
    __proto__: null,
    constructor: 1,
  }),
)
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 200 }).map((b) => Buffer.from(b)),
  fc.string({ maxLength: 100 }).map((s) => Buffer.from(s)),
)

type App = Awaited<ReturnType<typeof openRekor>>['app']

async function attack(
  t: TapTest,
  app: App,
  posts: Record<string, fc.Arbitrary<unknown>>,
  gets: string[],
): Promise<void> {
  const statuses = new Set<number>()
  const send = async (method: 'GET' | 'POST', url: string, payload?: Buffer | string) => {
    const headers = method === 'POST' ? json : {}
    const answer = await app.inject({ method, url, headers, ...(payload === undefined ? {} : { payload }) })
    statuses.add(answer.statusCode)
    if (answer.statusCode >= 500)
      throw new Error(`${method} ${url} ${String(payload)}: ${answer.statusCode} ${answer.body}`)
  }
  for (const [url, body] of Object.entries(posts)) {
    const document = body.map((b) => JSON.stringify(b))
    const cut = fc
      .tuple(document, fc.double({ min: 0, max: 1, noNaN: true }))
      .map(([d, at]) => d.slice(0, Math.floor(d.length * at)))
    const payload = fc.oneof(document, cut, bytes)
    await fc.assert(
      fc.asyncProperty(payload, (p) => send('POST', url, p)),
      { numRuns: 150 },
    )
    t.pass(url)
  }
  const text = fc.oneof(
    fc.string({ unit: anyCodePoint, maxLength: 30 }),
    fc.constantFrom(
      '-1',
      '0',
      '9223372036854775807',
      '99999999999999999999',
      '1e5',
      '0x10',
      '%',
      '..',
      'A'.repeat(5000),
    ),
    fc.bigInt(-(2n ** 65n), 2n ** 65n).map(String),
  )
  for (const url of gets) {
    await fc.assert(
      fc.asyncProperty(text, text, (a, b) => send('GET', url.replace('$1', safe(a)).replace('$2', safe(b)))),
      { numRuns: 150 },
    )
    t.pass(url)
  }
  t.comment([...statuses].join(' '))
}

/** Lone surrogates cannot be escaped; everything else goes through, some of it unescaped. */
const safe = (text: string) => encodeURIComponent(text.toWellFormed())

t.test('no input makes the Rekor face fail or log anything', async (t) => {
  const { app, log } = await openRekor(t)
  const { proposal } = entryVector('derived/hashedrekord.json')
  const dsse = entryVector('derived/dsse.json').proposal
  const bent = (good: object) => mutations(good).filter((b) => JSON.stringify(b) !== JSON.stringify(good))
  const query = fc.record(
    {
      entryUUIDs: value,
      logIndexes: value,
      entries: fc.oneof(value, fc.array(bent(proposal), { maxLength: 3 })),
    },
    { requiredKeys: [] },
  )
  const search = fc.record(
    { email: value, subject: value, publicKey: value, hash: value, operator: value },
    { requiredKeys: [] },
  )
  // A proposal may stay valid however it was bent, say by another case of a hex digit, so these have no valid signature.
  const unsigned = {
    ...proposalFor('x'),
    spec: { ...proposalFor('x').spec, signature: proposalFor('y').spec.signature },
  }
  await attack(
    t,
    app,
    {
      '/api/v1/log/entries': fc.oneof(
        value,
        bent(unsigned),
        bent({ ...dsse, spec: { proposedContent: { ...dsse.spec.proposedContent, verifiers: [] } } }),
      ),
      '/api/v1/log/entries/retrieve': fc.oneof(value, query),
      '/api/v1/index/retrieve': fc.oneof(value, search),
    },
    [
      '/api/v1/log/proof?firstSize=$1&lastSize=$2',
      '/api/v1/log/proof?lastSize=1&treeID=$1',
      '/api/v1/log/publicKey?treeID=$1',
      '/api/v1/log/entries?logIndex=$1',
      '/api/v1/log/entries/$1',
      '/api/v1/log/$1?$2',
      '/tile/$1/$2',
      '/tile/entries/$1',
      '/$1',
    ],
  )
  t.equal((await log.treeHead()).size, 0n)
})

t.test('no input makes the CT face fail or log anything', async (t) => {
  const ca = acceptedRoots([])
  const { app, log } = await openCt(t, { roots: { current: () => ca, refresh: async () => {} } })
  const chain = fc.record({
    chain: fc.oneof(value, fc.array(fc.oneof(value, fc.base64String({ maxLength: 100 })), { maxLength: 12 })),
  })
  await attack(
    t,
    app,
    { '/ct/v1/add-chain': fc.oneof(value, chain), '/ct/v1/add-pre-chain': fc.oneof(value, chain) },
    [
      '/ct/v1/get-sth-consistency?first=$1&second=$2',
      '/ct/v1/get-proof-by-hash?hash=$1&tree_size=$2',
      '/ct/v1/get-entries?start=$1&end=$2',
      '/ct/v1/get-entry-and-proof?leaf_index=$1&tree_size=$2',
      '/ct/v1/$1?$2',
    ],
  )
  t.equal((await log.treeHead()).size, 0n)
})

/** `good` with one member, at any depth, replaced by something else or left out. */
function mutations(good: unknown): fc.Arbitrary<unknown> {
  if (typeof good !== 'object' || good === null) return value
  const entries = Object.entries(good)
  return fc.oneof(
    value,
    ...entries.flatMap(([name, member]) => [
      fc.constant(Object.fromEntries(entries.filter(([other]) => other !== name))),
      mutations(member).map((bent) => (Array.isArray(good) ? [bent] : { ...good, [name]: bent })),
    ]),
  )
}
