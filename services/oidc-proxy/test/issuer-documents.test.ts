import t from 'tap'
import { createMemoryCache } from '../src/cache/memory-cache.ts'
import { createIssuerDocuments } from '../src/documents/issuer-documents.ts'
import type { Issuer } from '../src/issuers/issuer.ts'
import { createIssuerRegistry, type IssuerRegistry } from '../src/issuers/registry.ts'
import type { GuardedFetch } from '../src/upstream/guarded-fetch.ts'
import { UpstreamError } from '../src/upstream/upstream-error.ts'

const url = 'https://a.example.com'
const minute = 60_000
const times = { freshMs: 10 * minute, keyIdRefetchIntervalMs: 10_000, retryAfterMs: 5000 }
const keepMs = 24 * 60 * minute

type Answer = string | UpstreamError | Promise<string>

/** An issuer whose answers the test writes, and which counts the questions. */
function scene(urls: readonly string[] = [url]) {
  const clock = { nowMs: 1_700_000_000_000 }
  const answers = new Map<string, Answer>()
  const asked: string[] = []
  const upstream: GuardedFetch = {
    async readObject(_issuer, documentUrl) {
      asked.push(documentUrl)
      const answer = answers.get(documentUrl) ?? new UpstreamError('unreachable', `${documentUrl} is down`)
      if (answer instanceof UpstreamError) throw answer
      return answer
    },
    stop: async () => undefined,
  }
  const registry = createIssuerRegistry(
    urls.map((each) => ({ url: each, allowPrivateNetwork: false, allowHttp: false })),
  )
  const now = () => clock.nowMs
  const outcomes: string[] = []
  const documents = createIssuerDocuments({
    registry,
    upstream,
    cache: createMemoryCache({ keepMs, maxDocuments: 1000, now }),
    times,
    events: {
      fetched: (_issuer, kind, outcome) => outcomes.push(`${kind} ${outcome}`),
      served: () => undefined,
    },
    now,
  })
  const up = (issuer = url, keyIds: readonly string[] = ['one']) => {
    answers.set(discoveryOf(issuer), JSON.stringify({ issuer, jwks_uri: `${issuer}/keys` }))
    answers.set(`${issuer}/keys`, keySet(...keyIds))
  }
  const down = () => answers.clear()
  const count = (documentUrl: string) => asked.filter((each) => each === documentUrl).length
  return { clock, answers, asked, documents, registry, outcomes, up, down, count }
}

const discoveryOf = (issuer: string) => `${issuer}/.well-known/openid-configuration`
const keySet = (...keyIds: readonly string[]) =>
  JSON.stringify({ keys: keyIds.map((kid) => ({ kty: 'RSA', kid })) })
const find = (registry: IssuerRegistry, issuer = url): Issuer => registry.find(issuer)!
const settled = () => new Promise<void>((resolve) => setImmediate(resolve))

t.test('documents are fetched once, merged, and then come from the cache', async (t) => {
  const { documents, registry, up, asked } = scene()
  up()
  const issuer = find(registry)
  await Promise.all(Array.from({ length: 20 }, () => documents.readKeySet(issuer)))
  await documents.readDiscovery(issuer)
  t.same(asked, [discoveryOf(url), `${url}/keys`])
})

t.test('an unknown key id has the set fetched again once, however many ask at the same time', async (t) => {
  const { clock, documents, registry, up, count } = scene()
  up(url, ['one'])
  const issuer = find(registry)
  await documents.readKeySet(issuer)
  up(url, ['one', 'two'])
  t.equal((await documents.readKeySet(issuer, 'one')).body, keySet('one'), 'a known id is no reason to fetch')
  const served = await Promise.all(Array.from({ length: 20 }, () => documents.readKeySet(issuer, 'two')))
  t.strictSame(new Set(served.map(({ body }) => body)), new Set([keySet('one', 'two')]))
  t.equal(count(`${url}/keys`), 2)

  for (let n = 0; n < 50; n++) await documents.readKeySet(issuer, `made-up-${n}`)
  t.equal(count(`${url}/keys`), 2, 'made-up ids cost the issuer nothing within the interval')
  clock.nowMs += times.keyIdRefetchIntervalMs
  for (let n = 0; n < 50; n++) await documents.readKeySet(issuer, `made-up-${n}`)
  t.equal(count(`${url}/keys`), 3, 'and one request after it')
})

t.test('a refetch for a key id that fails leaves the known set', async (t) => {
  const { documents, registry, up, down } = scene()
  up()
  await documents.readKeySet(find(registry))
  down()
  t.equal((await documents.readKeySet(find(registry), 'two')).body, keySet('one'))
})

t.test('past its fresh time a document is served at once and fetched behind', async (t) => {
  const { clock, documents, registry, up } = scene()
  up(url, ['one'])
  await documents.readKeySet(find(registry))
  up(url, ['two'])
  clock.nowMs += times.freshMs
  const stale = await documents.readKeySet(find(registry))
  t.match(stale, { body: keySet('one'), freshness: 'stale', ageSeconds: 600 })
  await settled()
  t.match(await documents.readKeySet(find(registry)), {
    body: keySet('two'),
    freshness: 'fresh',
    ageSeconds: 0,
  })
})

t.test('a document long past its fresh time is fetched before it is served', async (t) => {
  const { clock, documents, registry, up } = scene()
  up(url, ['one'])
  await documents.readKeySet(find(registry))
  up(url, ['two'])
  clock.nowMs += 2 * times.freshMs
  t.match(await documents.readKeySet(find(registry)), { body: keySet('two'), freshness: 'fresh' })
})

t.test('while the issuer is down its documents are served stale, up to the keep time', async (t) => {
  const { clock, documents, registry, up, down } = scene()
  up()
  await documents.readKeySet(find(registry))
  down()
  clock.nowMs += keepMs
  t.match(await documents.readKeySet(find(registry)), { body: keySet('one'), freshness: 'stale' })
  clock.nowMs += 1
  await t.rejects(documents.readKeySet(find(registry)), { code: 'issuer_unavailable', retryAfterSeconds: 5 })
})

t.test('an issuer that fails is left alone for a moment, then asked again', async (t) => {
  const { clock, documents, registry, up, count } = scene()
  const issuer = find(registry)
  for (let n = 0; n < 10; n++)
    await t.rejects(documents.readDiscovery(issuer), { code: 'issuer_unavailable' })
  t.equal(count(discoveryOf(url)), 1)
  up()
  clock.nowMs += times.retryAfterMs
  t.equal((await documents.readDiscovery(issuer)).freshness, 'fresh')
})

t.test('a discovery document of another issuer is refused, naming both', async (t) => {
  const { answers, documents, registry } = scene()
  answers.set(discoveryOf(url), JSON.stringify({ issuer: `${url}/`, jwks_uri: `${url}/keys` }))
  for (const read of ['readDiscovery', 'readKeySet'] as const) {
    const error: Error = await documents[read](find(registry)).then(
      () => t.fail('served'),
      (thrown) => thrown,
    )
    t.match(error, { code: 'issuer_mismatch' })
    t.ok(error.message.includes(url) && error.message.includes(`"${url}/"`), error.message)
  }
})

t.test('documents of the wrong shape and keys behind a refused URL are not served', async (t) => {
  const { answers, clock, documents, registry, outcomes } = scene()
  const wrong: [string, string][] = [
    ['{}', 'document_invalid'],
    [JSON.stringify({ issuer: url }), 'document_invalid'],
    [JSON.stringify({ issuer: 1, jwks_uri: 'x' }), 'document_invalid'],
    [JSON.stringify({ issuer: url, jwks_uri: 'http://10.0.0.1/keys' }), 'issuer_unavailable'],
    [JSON.stringify({ issuer: url, jwks_uri: 'file:///etc/passwd' }), 'issuer_unavailable'],
  ]
  for (const [body, code] of wrong) {
    answers.set(discoveryOf(url), body)
    await t.rejects(documents.readDiscovery(find(registry)), { code }, body)
    clock.nowMs += times.retryAfterMs
  }
  answers.set(discoveryOf(url), JSON.stringify({ issuer: url, jwks_uri: `${url}/keys` }))
  for (const body of ['{}', '{"keys":{}}', '{"keys":null}', '{"Keys":[]}']) {
    answers.set(`${url}/keys`, body)
    await t.rejects(documents.readKeySet(find(registry)), { code: 'document_invalid' }, body)
    clock.nowMs += times.retryAfterMs
  }
  t.ok(outcomes.includes('discovery url_refused'))
})

t.test('a slow or dead issuer does not hold up the others', async (t) => {
  const other = 'https://b.example.com'
  const { answers, documents, registry, up } = scene([url, other])
  up(other)
  answers.set(discoveryOf(url), new Promise<string>(() => undefined))
  void documents.refreshNamed()
  await settled()
  t.equal((await documents.readKeySet(find(registry, other))).body, keySet('one'))
  t.match(documents.states()[1], { history: { jwks: { lastSuccessMs: Number } } })
})

t.test('members of a pattern are bounded, and made-up ones do not push out real ones', async (t) => {
  const { documents, registry, up, count } = scene(['https://*.example.org'])
  const real = 'https://real.example.org'
  up(real)
  await documents.readKeySet(find(registry, real))
  for (let n = 0; n < 300; n++) {
    await t.rejects(documents.readDiscovery(find(registry, `https://no-${n}.example.org`)), {
      code: 'issuer_unavailable',
    })
  }
  t.ok(documents.states().length <= 200)
  await documents.readKeySet(find(registry, real))
  t.equal(count(`${real}/keys`), 1)
  for (let n = 0; n < 150; n++) {
    up(`https://yes-${n}.example.org`)
    await documents.readDiscovery(find(registry, `https://yes-${n}.example.org`))
  }
  t.ok(documents.states().length <= 200)
})
