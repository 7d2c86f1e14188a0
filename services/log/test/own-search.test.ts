import { createHash, generateKeyPairSync, type KeyPairKeyObjectResult, sign } from 'node:crypto'
import t, { type Test as TapTest } from 'tap'
import { createGate } from '../src/admission/gate.ts'
import { searchLogs } from '../src/search/answer.ts'
import { parseOwnSearch } from '../src/search/query.ts'
import { ownSource } from '../src/search/source.ts'
import { createTestCa, type TestCa } from './certified.ts'
import { entryVector, json, openRekor, type Parsed, proposalFor, type RekorUnderTest } from './support.ts'

const github = 'https://token.actions.example.org'
const google = 'https://accounts.example.org'

async function propose(t: TapTest, { app }: RekorUnderTest, proposal: unknown): Promise<string> {
  const payload = JSON.stringify(proposal)
  const answer = await app.inject({ method: 'POST', url: '/api/v1/log/entries', headers: json, payload })
  t.equal(answer.statusCode, 201, answer.body)
  return answer.headers['etag'] as string
}

async function search({ app }: RekorUnderTest, query: object): Promise<Parsed> {
  const payload = JSON.stringify(query)
  const answer = await app.inject({ method: 'POST', url: '/api/v1/search', headers: json, payload })
  return { status: answer.statusCode, ...JSON.parse(answer.body) }
}

const idsOf = (page: Parsed): string[] => page.entries.map((entry: Parsed) => entry.entryID)

async function certified(t: TapTest, rekor: RekorUnderTest, ca: TestCa) {
  const of = async (
    artifact: string,
    ...who: Parameters<TestCa['propose']> extends [string, ...infer R] ? R : never
  ) => {
    const { proposal, serialNumber } = await ca.propose(artifact, ...who)
    return { id: await propose(t, rekor, proposal), serialNumber }
  }
  return {
    ann: await of('by ann', { type: 'email', value: 'Ann@Example.org' }, google),
    bob: await of('by bob', { type: 'email', value: 'bob@example.org' }, google),
    build: await of(
      'by build',
      { type: 'uri', value: 'https://forge.example.org/w/.build.yml@main' },
      github,
    ),
  }
}

t.test('entries are found by everything that they tell about their signers', async (t) => {
  const rekor = await openRekor(t)
  const { ann, bob, build } = await certified(t, rekor, await createTestCa())
  const dsse = await propose(t, rekor, entryVector('derived/dsse.json').proposal)
  const plain = await propose(t, rekor, proposalFor('plain'))

  t.same(idsOf(await search(rekor, { issuer: google })), [bob.id, ann.id], 'newest first')
  t.same(idsOf(await search(rekor, { issuer: google, order: 'oldest' })), [ann.id, bob.id])
  t.same(idsOf(await search(rekor, { email: 'ann@example.ORG' })), [ann.id], 'without case')
  t.same(idsOf(await search(rekor, { uri: 'https://forge.example.org/w/.build.yml@main' })), [build.id])
  t.same(idsOf(await search(rekor, { serial: build.serialNumber.toUpperCase() })), [build.id])
  const printed = build.serialNumber.replace(/..(?=.)/g, '$&:')
  t.same(idsOf(await search(rekor, { serial: `00:${printed}` })), [build.id], 'as certificates print it')
  t.same(idsOf(await search(rekor, { kind: 'dsse' })), [dsse])
  t.equal(idsOf(await search(rekor, { kind: ['dsse', 'hashedrekord'] })).length, 5)
  t.same(idsOf(await search(rekor, { kind: 'hashedrekord', issuer: google })), [bob.id, ann.id])
  t.same(idsOf(await search(rekor, { kind: 'dsse', issuer: google })), [])
  t.same(idsOf(await search(rekor, { issuer: google, email: 'ann@example.org' })), [ann.id], 'and')
  const either = { issuer: github, email: 'ann@example.org', operator: 'or' }
  t.same(idsOf(await search(rekor, either)), [build.id, ann.id])
  const digest = createHash('sha256').update('plain').digest('hex')
  t.same(idsOf(await search(rekor, { digest })), [plain])
  t.same(idsOf(await search(rekor, { digest: `sha256:${digest}`, issuer: google })), [])
  const { content } = proposalFor('x').spec.signature.publicKey
  t.same(idsOf(await search(rekor, { publicKey: { format: 'x509', content } })), [plain])
  t.same(idsOf(await search(rekor, { issuer: 'https://nobody.example.org' })), [])

  const [entry] = (await search(rekor, { email: 'ann@example.org' })).entries
  t.match(entry, {
    entryID: ann.id,
    logIndex: Number,
    kind: 'hashedrekord',
    apiVersion: '0.0.1',
    subjects: ['Ann@Example.org'],
    issuers: [google],
    serialNumbers: [ann.serialNumber.replace(/^0+/, '')],
  })
  t.same(idsOf(await search(rekor, { keyHash: entry.keyHashes[0] })), [ann.id])
  t.ok(Math.abs(entry.integratedTime - Date.now() / 1000) < 60)
  const got = await rekor.app.inject(
    `/api/v1/search?email=ann@example.org&issuer=${encodeURIComponent(google)}`,
  )
  t.same(idsOf(got.json()), [ann.id], 'the same as a GET')
  t.equal(got.headers['content-type'], 'application/json')
})

t.test('pages follow each other without gap or repetition while the log grows', async (t) => {
  const rekor = await openRekor(t)
  const ids: string[] = []
  for (let i = 0; i < 23; i++) ids.push(await propose(t, rekor, proposalFor(`page ${i}`)))
  const { content } = proposalFor('x').spec.signature.publicKey
  for (const order of ['newest', 'oldest']) {
    for (const filter of [{ publicKey: { format: 'x509', content } }, {}]) {
      const seen: string[] = []
      let cursor: string | undefined
      for (let pages = 0; pages < 20; pages++) {
        const page = await search(rekor, { ...filter, order, limit: 5, ...(cursor && { cursor }) })
        t.ok(page.entries.length <= 5)
        seen.push(...idsOf(page))
        if (order === 'newest' && pages === 1)
          ids.push(await propose(t, rekor, proposalFor(`late ${ids.length}`)))
        cursor = page.next
        if (cursor === undefined) break
      }
      const meant = order === 'newest' ? ids.slice(0, -1).toReversed() : ids
      t.same(seen, meant, `${order} ${Object.keys(filter).join(',')}`)
    }
  }
})

t.test('a time range is a range of the log', async (t) => {
  const rekor = await openRekor(t)
  const before = Math.floor(Date.now() / 1000)
  const id = await propose(t, rekor, proposalFor('timed'))
  t.same(idsOf(await search(rekor, { after: before })), [id])
  t.same(idsOf(await search(rekor, { after: new Date(before * 1000).toISOString(), before: before + 60 })), [
    id,
  ])
  t.same(idsOf(await search(rekor, { after: before + 60 })), [])
  t.same(idsOf(await search(rekor, { before })), [])
})

t.test('queries that cannot be meant are refused with the reason', async (t) => {
  const rekor = await openRekor(t)
  const refused: [object, number, number, RegExp][] = [
    [{ emial: 'x' }, 422, 606, /emial in query should be one of/],
    [{ kind: 'nonsense' }, 422, 606, /kind in query/],
    [{ digest: 'sha256:xyz' }, 422, 605, /digest/],
    [{ digest: 'abc' }, 422, 605, /digest/],
    [{ serial: 'xyz' }, 422, 605, /serial/],
    [{ limit: 0 }, 422, 609, /limit/],
    [{ limit: 101 }, 422, 608, /limit/],
    [{ limit: 'many' }, 422, 601, /limit/],
    [{ after: 'yesterday' }, 422, 601, /after/],
    [{ subject: '' }, 422, 604, /subject/],
    [{ subject: 'x'.repeat(513) }, 422, 603, /subject/],
    [{ subject: Array.from({ length: 11 }, () => 'x') }, 422, 611, /subject/],
    [{ order: 'sideways' }, 422, 606, /order/],
    [{ cursor: 'AAAA' }, 422, 605, /cursor/],
    [{ publicKey: { format: 'x509', content: 'AAAA' } }, 400, 400, /could not be parsed/],
    [{ publicKey: { format: 'gpg', content: 'AAAA' } }, 422, 606, /format in query should be one of \[pgp /],
  ]
  for (const [query, status, code, message] of refused) {
    const answer = await search(rekor, query)
    t.equal(answer.status, status, JSON.stringify(query).slice(0, 60))
    t.equal(answer.code, code)
    t.match(answer.message, message)
  }
  for (let i = 0; i < 3; i++) await propose(t, rekor, proposalFor(`refused ${i}`))
  const { next } = await search(rekor, { limit: 1 })
  t.type(next, 'string')
  t.match(await search(rekor, { kind: 'dsse', cursor: next }), { status: 400, message: /another query/ })
  const put = await rekor.app.inject({ method: 'PUT', url: '/api/v1/search' })
  t.equal(put.statusCode, 405)
})

t.test(
  'an entry about the file of a key is not found by the key, and a dsse entry of the key is',
  async (t) => {
    const rekor = await openRekor(t)
    const { proposal } = entryVector('derived/dsse.json')
    const dsse = await propose(t, rekor, proposal)
    const content: string = proposal.spec.proposedContent.verifiers[0]
    const pem = Buffer.from(content, 'base64').toString()
    await propose(t, rekor, proposalFor(pem))
    for (const url of ['/api/v1/index/retrieve', '/api/v1/search']) {
      const payload = JSON.stringify({ publicKey: { format: 'x509', content } })
      const answer = await rekor.app.inject({ method: 'POST', url, headers: json, payload })
      const found = JSON.parse(answer.body)
      t.same(Array.isArray(found) ? found : idsOf(found), [dsse], url)
    }
  },
)

t.test('a query is not longer than the keys that it may hold', async (t) => {
  const rekor = await openRekor(t)
  for (const url of ['/api/v1/index/retrieve', '/api/v1/search']) {
    const payload = JSON.stringify({ publicKey: { format: 'pgp', content: 'A'.repeat(66_000) } })
    const answer = await rekor.app.inject({ method: 'POST', url, headers: json, payload })
    t.equal(answer.statusCode, 413, url)
  }
})

t.test('the limit by address counts each proposal of a query', async (t) => {
  let taken = 0
  const takeAddress = async () => ({ allowed: ++taken <= 5, retryAfterSeconds: 1 })
  const rekor = await openRekor(t, { settings: { gate: createGate({ addressLimiter: { takeAddress } }) } })
  const retrieve = async (count: number) => {
    const entries = Array.from({ length: count }, (_, i) => proposalFor(`one of many ${i}`))
    const payload = JSON.stringify({ entries })
    const url = '/api/v1/log/entries/retrieve'
    return (await rekor.app.inject({ method: 'POST', url, headers: json, payload })).statusCode
  }
  t.equal(await retrieve(4), 200)
  t.equal(taken, 4)
  t.equal(await retrieve(3), 429)
  t.equal(taken, 6)
})

t.test(
  'a page of entries that are dear to read ends early, and what was told is told for nothing',
  async (t) => {
    const rekor = await openRekor(t)
    const signers = Array.from({ length: 20 }, () => generateKeyPairSync('ec', { namedCurve: 'P-256' }))
    const ids: string[] = []
    for (let version = 1; version <= 5; version++) ids.push(await propose(t, rekor, tufOf(signers, version)))
    const told: number[] = []
    const seen: string[] = []
    for (let cursor: string | undefined; ; ) {
      const page = await search(rekor, { kind: 'tuf', limit: 100, ...(cursor !== undefined && { cursor }) })
      told.push(page.entries.length)
      seen.push(...idsOf(page))
      t.ok(page.entries.every(({ keyHashes }: Parsed) => keyHashes.length === signers.length))
      cursor = page.next
      if (cursor === undefined) break
    }
    t.same(seen, ids.toReversed())
    t.same(told, [3, 2])
    t.equal((await search(rekor, { kind: 'tuf', limit: 100 })).entries.length, 5, 'none is verified again')
  },
)

/** A root of TUF that all `signers` have signed, as its own metadata. */
function tufOf(signers: readonly KeyPairKeyObjectResult[], version: number) {
  const keys = Object.fromEntries(
    signers.map(({ publicKey }, i) => {
      const pem = publicKey.export({ format: 'pem', type: 'spki' })
      return [`${i}`, { keytype: 'ecdsa', scheme: 'ecdsa-sha2-nistp256', keyval: { public: pem } }]
    }),
  )
  const roles = { root: { keyids: Object.keys(keys), threshold: 1 } }
  const expires = new Date(Date.now() + 86_400_000).toISOString()
  const signed = { _type: 'root', version, spec_version: '1.0', expires, keys, roles }
  const message = Buffer.from(olpcJson(signed))
  const signatures = signers.map(({ privateKey }, i) => ({
    keyid: `${i}`,
    sig: sign('sha256', message, privateKey).toString('hex'),
  }))
  const content = Buffer.from(JSON.stringify({ signed, signatures })).toString('base64')
  return { apiVersion: '0.0.1', kind: 'tuf', spec: { metadata: { content }, root: { content } } }
}

/** Canonical JSON as TUF signs it, of texts and numbers. */
function olpcJson(value: unknown): string {
  if (typeof value === 'string') return `"${value.replace(/["\\]/g, '\\$&')}"`
  if (Array.isArray(value)) return `[${value.map(olpcJson).join(',')}]`
  if (typeof value !== 'object' || value === null) return String(value)
  const names = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${names.map(([name, member]) => `"${name}":${olpcJson(member)}`).join(',')}}`
}

t.test('what is asked for without a key waits for no index', async (t) => {
  const rekor = await openRekor(t)
  const ids = [await propose(t, rekor, proposalFor('one')), await propose(t, rekor, proposalFor('two'))]
  const indexed = async () => {
    throw new Error('the index is waited for')
  }
  const source = ownSource('rekor-v1', { ...rekor.search, indexed }, () => [rekor.shard])
  const ask = async (query: object) => searchLogs([source], await parseOwnSearch(query, new Date()))
  for (const query of [{}, { after: '2000-01-01T00:00:00Z' }]) {
    const page = JSON.parse(await ask(query))
    t.same(idsOf(page), ids.toReversed())
    t.equal(page.indexed, 2, 'all that is logged can be found so')
  }
  for (const query of [{ email: 'ann@example.org' }, { kind: 'dsse' }, { kind: 'hashedrekord' }])
    await t.rejects(ask(query), /the index is waited for/)
})
