import { createHash } from 'node:crypto'
import { defaultClientAlgorithms } from '@sigstack/crypto'
import { verifyProposal } from '@sigstack/rekor-entries'
import { undocumentedRoutes } from '@sigstack/server/testing'
import t from 'tap'
import Schema from 'typebox/schema'
import { openAttestations } from '../src/attestations/store.ts'
import { openapi } from '../src/faces/rekor-v1/openapi.ts'
import { readConfig } from '../src/index.ts'
import { openLargeBodies } from '../src/verification/large-bodies.ts'
import { emptyDatabase, startRekor } from './running-log.ts'
import { entryVector, json, openRekor, type Parsed, proposalFor, type RekorUnderTest } from './support.ts'

async function post({ app }: RekorUnderTest, url: string, body: unknown) {
  const answer = await app.inject({ method: 'POST', url, headers: json, payload: JSON.stringify(body) })
  return {
    status: answer.statusCode,
    headers: answer.headers,
    text: answer.body,
    body: JSON.parse(answer.body) as Parsed,
  }
}
const propose = (rekor: RekorUnderTest, proposal: unknown) => post(rekor, '/api/v1/log/entries', proposal)

t.test('a repeated upload is a 409 whose entry can be read at once, or the entry itself', async (t) => {
  const proposal = proposalFor('again')
  const rekor = await openRekor(t)
  const first = await propose(rekor, proposal)
  const again = await propose(rekor, proposal)
  t.equal(again.status, 409)
  const read = await rekor.app.inject(again.headers['location'] as string)
  t.equal(read.statusCode, 200)
  const id = first.headers['etag'] as string
  t.equal(read.json()[id].body, first.body[id].body)

  const kind = await openRekor(t, { settings: { duplicates: 'existing' } })
  const one = await propose(kind, proposal)
  const two = await propose(kind, proposal)
  t.equal(two.status, 201)
  const { etag, location } = one.headers
  t.match(two.headers, { etag, location })
  const [before, after] = [one.body[String(etag)], two.body[String(etag)]]
  t.match(after, { body: before.body, logIndex: before.logIndex, integratedTime: before.integratedTime })
  t.equal((await kind.log.treeHead()).size, 1n)
})

t.test('a kind that is switched off is refused in the words of upstream', async (t) => {
  const policy = {
    allowedAlgorithms: defaultClientAlgorithms,
    now: () => new Date('2021-12-01T00:00:00Z'),
    enabledKinds: ['dsse'] as const,
  }
  await t.rejects(verifyProposal(proposalFor('off'), policy), {
    code: 'kind_disabled',
    message: "entry kind 'hashedrekord' is not enabled for submission on this server",
  })
})

t.test('pairs of key and digest are those of the setting, by the names of Sigstore’s registry', async (t) => {
  const read = (list: string) =>
    readConfig(
      {
        LOG_FACE: 'rekor-v1',
        LOG_HOSTNAME: 'rekor.example.org',
        DATABASE_URL: 'postgres://127.0.0.1/none',
        LOG_KEY: 'log.key',
        LOG_CLIENT_SIGNING_ALGORITHMS: list,
      },
      '',
    ).face
  t.notOk('clientAlgorithms' in read(''))
  t.match(read('ed25519-ph, ecdsa-sha2-256-nistp384'), {
    clientAlgorithms: ['ed25519-ph', 'ecdsa-sha2-256-nistp384'],
  })
  t.throws(() => read('rot13'), { message: /LOG_CLIENT_SIGNING_ALGORITHMS: "rot13" is none of / })
  const { pool, connectionString } = await emptyDatabase(t)
  const log = await startRekor(t, {
    pool,
    connectionString,
    keysFolder: t.testdir({}),
    variables: { LOG_CLIENT_SIGNING_ALGORITHMS: 'ecdsa-sha2-384-nistp384' },
  })
  await t.rejects(log.append('by P-256'), { message: /entry algorithms are not allowed/ })
})

const intoto = entryVector('derived/intoto-0.0.1.json')
const payload = JSON.parse(intoto.proposal.spec.content.envelope).payload as string

t.test('attestations are kept up to a size and answered with their entries', async (t) => {
  const outcomes: string[] = []
  const withMode = (mode: 'store' | 'hash-only', maxBytes: number) =>
    openRekor(t, {
      withDatabase: async (pool) => ({
        attestations: await openAttestations({
          pool,
          mode,
          maxBytes,
          onOutcome: (o) => outcomes.push(o),
          onError: (error) => t.fail(String(error)),
        }),
      }),
    })
  const entryOf = async (rekor: RekorUnderTest, id: string) => {
    const byId = await rekor.app.inject(`/api/v1/log/entries/${id}`)
    const retrieved = await post(rekor, '/api/v1/log/entries/retrieve', { entryUUIDs: [id] })
    t.same(retrieved.body[0][id].attestation, byId.json()[id].attestation)
    t.match(byId.body, /\}\}\n$/)
    return byId.json()[id]
  }
  const rekor = await withMode('store', 102_400)
  const created = await propose(rekor, intoto.proposal)
  t.equal(created.status, 201, created.text)
  const id = created.headers['etag'] as string
  t.notOk('attestation' in created.body[id], 'not in the answer to the upload')
  const entry = await entryOf(rekor, id)
  t.same(Object.keys(entry), ['attestation', 'body', 'integratedTime', 'logID', 'logIndex', 'verification'])
  t.equal(entry.attestation.data, payload)
  const other = (await propose(rekor, proposalFor('without'))).headers['etag'] as string
  t.notOk('attestation' in (await entryOf(rekor, other)))
  await rekor.database.pool.query('delete from attestation')
  t.notOk('attestation' in (await entryOf(rekor, id)), 'what is missing is no error')

  const small = await withMode('store', 10)
  const tooLarge = await propose(small, intoto.proposal)
  t.equal(tooLarge.status, 201)
  t.notOk('attestation' in (await entryOf(small, tooLarge.headers['etag'] as string)))

  const hashes = await withMode('hash-only', 102_400)
  const hashed = await propose(hashes, intoto.proposal)
  t.notOk('attestation' in (await entryOf(hashes, hashed.headers['etag'] as string)))
  const { rows } = await hashes.database.pool.query('select size_bytes, data from attestation')
  t.same(rows, [{ size_bytes: Buffer.from(payload, 'base64').length, data: null }])
  t.same(outcomes, ['kept', 'too_large', 'kept'])
})

t.test(
  'of intoto the payload is kept, of cose the whole message, each under the digest in its body',
  async (t) => {
    const twice = (text: string) => Buffer.from(text, 'base64').toString()
    const kinds: readonly [vector: string, attested: (spec: Parsed) => string][] = [
      ['intoto-0.0.1', ({ content }) => JSON.parse(content.envelope).payload],
      ['intoto-0.0.2-two-signers', ({ content }) => twice(content.envelope.payload)],
      ['cose', ({ message }) => message],
    ]
    const rekor = await openRekor(t, {
      withDatabase: async (pool) => ({
        attestations: await openAttestations({
          pool,
          mode: 'store',
          maxBytes: 102_400,
          onOutcome: () => {},
          onError: (error) => t.fail(String(error)),
        }),
      }),
    })
    for (const [vector, attested] of kinds) {
      const { proposal } = entryVector(`derived/${vector}.json`)
      const id = (await propose(rekor, proposal)).headers['etag'] as string
      const entry = (await rekor.app.inject(`/api/v1/log/entries/${id}`)).json()[id]
      t.equal(entry.attestation?.data, attested(proposal.spec), vector)
      const digest = createHash('sha256').update(Buffer.from(entry.attestation.data, 'base64')).digest('hex')
      t.match(Buffer.from(entry.body, 'base64').toString(), digest, vector)
    }
  },
)

t.test('large bodies are verified in a thread of their own, with the same answers', async (t) => {
  const largeBodies = openLargeBodies({
    policy: { allowedAlgorithms: defaultClientAlgorithms, now: () => new Date('2021-12-01T00:00:00Z') },
    minBytes: 1,
  })
  t.teardown(() => largeBodies.stop())
  const rekor = await openRekor(t, {
    withDatabase: async (pool) => ({
      largeBodies,
      attestations: await openAttestations({
        pool,
        mode: 'store',
        maxBytes: 1e6,
        onError: (error) => t.fail(String(error)),
      }),
    }),
  })
  const plain = await openRekor(t)
  const proposals: unknown[] = [
    proposalFor('large'),
    entryVector('derived/dsse.json').proposal,
    intoto.proposal,
    { ...proposalFor('x'), apiVersion: '9.9.9' },
    { ...proposalFor('x'), kind: 'nonsense' },
    {},
    null,
    [],
    ...Object.values(entryVector('derived/rejected.json')).flat().slice(0, 5),
  ]
  for (const proposal of proposals) {
    const [here, there] = [await propose(rekor, proposal), await propose(plain, proposal)]
    t.equal(here.status, there.status)
    if (here.status === 201) t.equal(here.headers['etag'], there.headers['etag'])
    else t.equal(here.text, there.text)
    if (here.status !== 201) continue
    const query = { entries: [proposal] }
    const found = await post(rekor, '/api/v1/log/entries/retrieve', query)
    t.same(Object.keys(found.body[0]), [here.headers['etag']])
  }
  const queries = [
    { entries: 5 },
    { entries: [] },
    { entries: null },
    { logIndexes: [0], entries: [proposalFor('nobody logged this')] },
    { entries: Array.from({ length: 11 }, () => proposalFor('many')) },
    { entries: [{}] },
    { entries: [{ ...proposalFor('x'), kind: 'nonsense' }] },
    null,
    'text',
  ]
  for (const query of queries) {
    const [here, there] = [
      await post(rekor, '/api/v1/log/entries/retrieve', query),
      await post(plain, '/api/v1/log/entries/retrieve', query),
    ]
    t.equal(here.status, there.status, JSON.stringify(query)?.slice(0, 80))
    if (here.status !== 200) t.equal(here.text, there.text)
    else t.equal(here.body.length, there.body.length)
  }
  for (const url of ['/api/v1/log/entries', '/api/v1/log/entries/retrieve']) {
    const [here, there] = await Promise.all(
      [rekor, plain].map(({ app }) => app.inject({ method: 'POST', url, headers: json, payload: '{"a":' })),
    )
    t.equal(here?.statusCode, 400)
    t.equal(here?.body, there?.body)
  }
})

t.test('what takes too long fails alone, and nobody takes all the room', async (t) => {
  const policy = { allowedAlgorithms: defaultClientAlgorithms, now: () => new Date('2021-12-01T00:00:00Z') }
  const largeBodies = openLargeBodies({ policy, mostBytes: 3_000_000 })
  t.teardown(() => largeBodies.stop())
  const body = () => Buffer.from(JSON.stringify({ pad: 'x'.repeat(1_400_000) }))
  const [one, two, other, more] = await Promise.allSettled([
    largeBodies.verifyEntry(body(), 'a'),
    largeBodies.verifyEntry(body(), 'a'),
    largeBodies.verifyEntry(body(), 'b'),
    largeBodies.verifyEntry(body(), 'c'),
  ])
  t.match(one, { reason: { name: 'EntryError' } })
  t.match(two, { reason: { code: 'queue_full' } }, 'more than half of the room')
  t.match(other, { reason: { name: 'EntryError' } })
  t.match(more, { reason: { code: 'queue_full' } }, 'the room is full')
  const hasty = openLargeBodies({ policy, startMs: 1 })
  t.teardown(() => hasty.stop())
  const [first, second] = await Promise.allSettled([
    hasty.verifyEntry(body(), 'a'),
    hasty.verifyEntry(body(), 'b'),
  ])
  t.match([first, second], [{ reason: { code: 'unavailable' } }, { reason: { code: 'unavailable' } }])
})

const byText = (a: string, b: string) => (a < b ? -1 : 1)

/** References put in place, since every schema of the description is checked by itself. */
function resolve(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(resolve)
  if (typeof schema !== 'object' || schema === null) return schema
  const { $ref } = schema as { $ref?: string }
  if ($ref !== undefined) return resolve(openapi.components.schemas[$ref.split('/').at(-1) as 'Error'])
  return Object.fromEntries(Object.entries(schema).map(([name, value]) => [name, resolve(value)]))
}

t.test('the description of the API describes the answers', async (t) => {
  const rekor = await openRekor(t)
  const first = await propose(rekor, proposalFor('described'))
  for (let i = 0; i < 3; i++) await propose(rekor, proposalFor(`described ${i}`))
  await propose(rekor, entryVector('derived/dsse.json').proposal)
  const id = first.headers['etag'] as string
  const served = (await rekor.app.inject('/swagger.json')).json()
  t.match(served, { paths: JSON.parse(JSON.stringify(openapi.paths)) })
  t.match(served.components, openapi.components)
  for (const [name, schema] of Object.entries(openapi.components.schemas)) {
    t.ok(Schema.Compile(resolve(schema) as Parsed).Check(served.components.schemas[name].example), name)
  }
  t.same(served, (await rekor.app.inject('/openapi.json')).json())
  t.same(
    (await undocumentedRoutes(rekor.app)).filter(
      (route) => !/^GET (?:.*\/checkpoint|.*\/tile\/.*|\/healthz|\/readyz|\/metrics)$/.test(route),
    ),
    [],
  )

  const seen = new Set<string>()
  const check = async (path: string, method: 'get' | 'post', url: string, body?: unknown) => {
    const payload = body === undefined ? {} : { headers: json, payload: JSON.stringify(body) }
    const answer = await rekor.app.inject({ method: method === 'get' ? 'GET' : 'POST', url, ...payload })
    const operation: Parsed = (openapi.paths as Parsed)[path][method]
    const described = operation.responses[String(answer.statusCode)]
    t.ok(described, `${method} ${url}: ${answer.statusCode} is described`)
    seen.add(operation.operationId)
    if (described?.content === undefined) return t.equal(answer.body, '')
    const [type, { schema }] = Object.entries(described.content)[0] as [string, Parsed]
    t.equal(String(answer.headers['content-type']).split(';')[0], type)
    const value = type === 'application/json' ? JSON.parse(answer.body) : answer.body
    const errors = Schema.Compile(resolve(schema) as Parsed).Errors(value)[1]
    return t.same(errors, [], `${method} ${url} ${answer.statusCode}`)
  }
  await check('/api/v1/log', 'get', '/api/v1/log')
  await check('/api/v1/log/publicKey', 'get', '/api/v1/log/publicKey')
  await check('/api/v1/log/publicKey', 'get', '/api/v1/log/publicKey?treeID=x')
  await check('/api/v1/log/publicKeys', 'get', '/api/v1/log/publicKeys')
  await check('/api/v1/log/proof', 'get', '/api/v1/log/proof?firstSize=1&lastSize=3')
  await check('/api/v1/log/proof', 'get', '/api/v1/log/proof?lastSize=99')
  await check('/api/v1/log/entries', 'get', '/api/v1/log/entries?logIndex=0')
  await check('/api/v1/log/entries', 'get', '/api/v1/log/entries?logIndex=99')
  await check('/api/v1/log/entries', 'get', '/api/v1/log/entries')
  await check('/api/v1/log/entries', 'post', '/api/v1/log/entries', proposalFor('described'))
  await check('/api/v1/log/entries', 'post', '/api/v1/log/entries', proposalFor('new'))
  await check('/api/v1/log/entries', 'post', '/api/v1/log/entries', {})
  await check('/api/v1/log/entries/{entryUUID}', 'get', `/api/v1/log/entries/${id}`)
  await check('/api/v1/log/entries/{entryUUID}', 'get', `/api/v1/log/entries/${'0'.repeat(64)}`)
  await check('/api/v1/log/entries/retrieve', 'post', '/api/v1/log/entries/retrieve', {
    logIndexes: [0, 1, 99],
  })
  await check('/api/v1/index/retrieve', 'post', '/api/v1/index/retrieve', {
    hash: 'a'.repeat(64),
    email: 'a@b.c',
  })
  await check('/api/v1/index/retrieve', 'post', '/api/v1/index/retrieve', { hash: 'a' })
  await check('/api/v1/search', 'get', '/api/v1/search?limit=2')
  await check('/api/v1/search', 'post', '/api/v1/search', { kind: 'dsse' })
  await check('/api/v1/search', 'post', '/api/v1/search', { kind: 'nonsense' })
  await check('/ping', 'get', '/ping')
  t.notOk(Schema.Compile(resolve(openapi.components.schemas.LogInfo) as Parsed).Check({}), 'the check checks')
  const all = Object.values(openapi.paths).flatMap((methods) =>
    Object.values(methods).map((o: Parsed) => o.operationId),
  )
  t.same([...seen].toSorted(byText), all.toSorted(byText), 'every operation')
})

t.test('a path that cannot be decoded is refused in the shape of the dialect', async (t) => {
  const rekor = await openRekor(t)
  const answer = await rekor.app.inject('/api/v1/log/%zz')
  t.equal(answer.statusCode, 400)
  t.equal(answer.headers['content-type'], 'application/json')
  t.match(answer.json(), { code: 400, message: /not a valid url/ })
})

t.test('people get pages that need nothing from elsewhere', async (t) => {
  const rekor = await openRekor(t)
  for (const url of ['/', '/docs']) {
    const page = await rekor.app.inject(url)
    t.equal(page.statusCode, 200)
    t.match(page.headers['content-type'], /^text\/html/)
    t.match(page.headers['content-security-policy'], /default-src 'none'/)
    t.match(page.body, /rekor\.example\.org/)
    t.notMatch(page.body, /<script|src=|<link|@import|url\(/)
  }
  const docs = (await rekor.app.inject('/docs')).body
  for (const path of Object.keys(openapi.paths)) t.ok(docs.includes(path), path)
})

t.test(
  'what is nested deeper than anything is meant is the sender’s fault, in bodies of any size',
  async (t) => {
    const policy = { allowedAlgorithms: defaultClientAlgorithms, now: () => new Date() }
    const largeBodies = openLargeBodies({ policy, minBytes: 1 })
    t.teardown(() => largeBodies.stop())
    const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`
    for (const rekor of [await openRekor(t), await openRekor(t, { settings: { largeBodies } })])
      for (const [url, payload] of [
        ['/api/v1/log/entries/retrieve', `{"entryUUIDs":${deep}}`],
        ['/api/v1/log/entries/retrieve', `{"entries":[${deep}]}`],
        ['/api/v1/log/entries', `{"kind":"dsse","apiVersion":"0.0.1","spec":${deep}}`],
        ['/api/v1/index/retrieve', `{"hash":${deep}}`],
        ['/api/v1/search', `{"issuer":${deep}}`],
      ] as const) {
        const answer = await rekor.app.inject({ method: 'POST', url, headers: json, payload })
        t.ok(answer.statusCode >= 400 && answer.statusCode < 500, `${url}: ${answer.statusCode}`)
      }
  },
)
