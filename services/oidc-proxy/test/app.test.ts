import { mkdtempSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLogger } from '@sigstack/server'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { type Config, readConfig, startOidcProxy } from '../src/index.ts'
import { caCertificate, serveHttp } from './servers.ts'

fc.configureGlobal({ seed: 1 })

const logger = createLogger({ name: 'test', level: 'silent' })

type Provider = { readonly issuer: string; keyIds: string[]; saysIssuer: string; up: boolean }

async function serveProvider(t: Test): Promise<Provider> {
  const provider = { issuer: '', keyIds: ['one'], saysIssuer: '', up: true }
  const port = await serveHttp(t, (request, response) => {
    if (!provider.up) response.writeHead(503).end()
    else if (request.url === '/.well-known/openid-configuration') {
      const { saysIssuer: issuer } = provider
      response.end(JSON.stringify({ issuer, jwks_uri: `${provider.issuer}/keys`, extra: ['as', 'served'] }))
    } else response.end(JSON.stringify({ keys: provider.keyIds.map((kid) => ({ kty: 'RSA', kid })) }))
  })
  provider.issuer = provider.saysIssuer = `http://127.0.0.1:${port}`
  return provider
}

function configOf(issuers: readonly unknown[], more: Record<string, string> = {}): Config {
  return readConfig({ OIDC_ISSUERS: JSON.stringify(issuers), OIDC_PROXY_PORT: '0', ...more })
}

async function start(t: Test, config: Config) {
  const proxy = await startOidcProxy(config, { logger, processMetrics: false })
  t.teardown(() => proxy.stop())
  return (path: string) => fetch(proxy.url + path)
}

const trial = (url: string) => ({ url, allowHttp: true, allowPrivateNetwork: true })
const of = (issuer: string) => `issuer=${encodeURIComponent(issuer)}`

t.test('the documents of a configured issuer are served as they are', async (t) => {
  const provider = await serveProvider(t)
  const get = await start(t, configOf([trial(provider.issuer)]))
  const discovery = await get(`/v1/discovery?${of(provider.issuer)}`)
  t.equal(discovery.status, 200)
  t.match(discovery.headers.get('content-type'), /^application\/json/)
  t.equal(discovery.headers.get('x-document-freshness'), 'fresh')
  t.match(discovery.headers.get('age'), /^\d+$/)
  t.same(await discovery.json(), {
    issuer: provider.issuer,
    jwks_uri: `${provider.issuer}/keys`,
    extra: ['as', 'served'],
  })
  t.same(await (await get(`/v1/jwks?${of(provider.issuer)}`)).json(), { keys: [{ kty: 'RSA', kid: 'one' }] })

  provider.keyIds = ['two']
  t.match(await (await get(`/v1/jwks?${of(provider.issuer)}&kid=two`)).json(), { keys: [{ kid: 'two' }] })

  provider.up = false
  t.equal((await get(`/v1/jwks?${of(provider.issuer)}`)).status, 200, 'and also while it is down')
})

t.test('other issuers are not asked for, and the requester is told', async (t) => {
  const provider = await serveProvider(t)
  const get = await start(t, configOf([trial(provider.issuer)]))
  for (const other of ['https://evil.example.com', `${provider.issuer}/`, '*']) {
    for (const path of ['discovery', 'jwks']) {
      const reply = await get(`/v1/${path}?${of(other)}`)
      t.equal(reply.status, 404)
      t.match(reply.headers.get('content-type'), /^application\/problem\+json/)
      t.match(await reply.json(), { status: 404, code: 'issuer_not_configured', detail: other })
    }
  }
})

t.test('an issuer that is down gives 503 with a time to come back', async (t) => {
  const provider = await serveProvider(t)
  provider.up = false
  const get = await start(t, configOf([trial(provider.issuer)]))
  const reply = await get(`/v1/jwks?${of(provider.issuer)}`)
  t.equal(reply.status, 503)
  t.equal(reply.headers.get('retry-after'), '5')
  t.match(await reply.json(), { code: 'issuer_unavailable', detail: /503/ })
  const status = (await (await get('/v1/issuers')).json()) as { issuers: unknown[] }
  t.match(status.issuers, [
    { issuer: provider.issuer, discovery: { lastSuccess: null, lastError: { code: 'issuer_unavailable' } } },
  ])
})

t.test('an issuer that calls itself otherwise gives 502 with both names', async (t) => {
  const provider = await serveProvider(t)
  provider.saysIssuer = 'https://evil.example.com'
  const get = await start(t, configOf([trial(provider.issuer)]))
  const reply = await get(`/v1/discovery?${of(provider.issuer)}`)
  t.equal(reply.status, 502)
  const problem = (await reply.json()) as { code: string; detail: string }
  t.equal(problem.code, 'issuer_mismatch')
  t.ok(problem.detail.includes(provider.issuer) && problem.detail.includes('https://evil.example.com'))
})

t.test('a loopback issuer without leave for private addresses is refused', async (t) => {
  const provider = await serveProvider(t)
  const get = await start(t, configOf([{ url: provider.issuer, allowHttp: true }]))
  const reply = await get(`/v1/discovery?${of(provider.issuer)}`)
  t.equal(reply.status, 503)
  t.match(await reply.json(), { detail: /allowPrivateNetwork/ })
})

t.test('a silent issuer delays neither the start nor the others', async (t) => {
  let isGivenUp = false
  const silent = createServer((_request, response) => {
    response.on('close', () => {
      isGivenUp = true
    })
  })
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    silent.closeAllConnections()
    silent.close()
  })
  const provider = await serveProvider(t)
  const silentUrl = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`
  const get = await start(t, configOf([trial(silentUrl), trial(provider.issuer)]))
  t.equal((await get(`/v1/jwks?${of(provider.issuer)}`)).status, 200)
  t.notOk(isGivenUp, 'it is still waited for')
  t.equal((await get('/healthz')).status, 200)
})

t.test('a Redis that is not there is reported and hurts nobody', async (t) => {
  const provider = await serveProvider(t)
  const get = await start(
    t,
    configOf([trial(provider.issuer)], {
      REDIS_URL: 'redis://127.0.0.1:1',
      OIDC_CACHE_SECRET: 'a secret of the replicas, for tests alone',
    }),
  )
  t.equal((await get(`/v1/jwks?${of(provider.issuer)}`)).status, 200)
  const ready = await get('/readyz')
  t.equal(ready.status, 200)
  t.match(await ready.json(), { checks: { cache: 'redis_unreachable' } })
})

t.test('without a secret of the replicas nothing is shared', async (t) => {
  const provider = await serveProvider(t)
  const get = await start(t, configOf([trial(provider.issuer)], { REDIS_URL: 'redis://127.0.0.1:1' }))
  t.match(await (await get('/readyz')).json(), { checks: { cache: 'memory' } })
  t.throws(() => configOf([trial(provider.issuer)], { OIDC_CACHE_SECRET: 'short' }), {
    message: /OIDC_CACHE_SECRET must be a secret of at least 32 characters/,
  })
})

t.test('fetches and serves are counted', async (t) => {
  const provider = await serveProvider(t)
  const get = await start(t, configOf([trial(provider.issuer)]))
  await get(`/v1/jwks?${of(provider.issuer)}`)
  let metrics = ''
  // Counted when the answer has gone out.
  while (!metrics.includes('oidc_proxy_fetches_total{')) metrics = await (await get('/metrics')).text()
  t.match(metrics, `oidc_proxy_fetches_total{document="jwks",issuer="${provider.issuer}",outcome="ok"} 1`)
  t.match(metrics, 'oidc_proxy_redis_connected 0')
})

t.test('no query makes the proxy fail or ask a stranger', async (t) => {
  const provider = await serveProvider(t)
  const get = await start(t, configOf([trial(provider.issuer)]))
  const query = fc.oneof(
    fc.string(),
    fc.webQueryParameters(),
    fc
      .array(fc.tuple(fc.constantFrom('issuer', 'kid', 'x'), fc.string()))
      .map((pairs) => new URLSearchParams(pairs).toString()),
  )
  await fc.assert(
    fc.asyncProperty(fc.constantFrom('discovery', 'jwks'), query, async (path, text) => {
      const { status } = await get(`/v1/${path}?${text.replaceAll('#', '')}`)
      return status === 400 || status === 404
    }),
    { numRuns: 150 },
  )
  // The provider is given seconds, which a busy machine may need; what is known then is kept.
  while ((await get(`/v1/jwks?${of(provider.issuer)}`)).status !== 200) {}
  const kids = fc.string({ minLength: 1, maxLength: 200 })
  await fc.assert(
    fc.asyncProperty(
      kids,
      async (kid) =>
        (await get(`/v1/jwks?${of(provider.issuer)}&kid=${encodeURIComponent(kid)}`)).status === 200,
    ),
    { numRuns: 50 },
  )
  t.equal((await get(`/v1/jwks?${of(provider.issuer)}&${of(provider.issuer)}`)).status, 400)
  t.equal((await get(`/v1/jwks?${of('x'.repeat(5000))}`)).status, 400)
})

t.test('configuration: one error names every bad variable', async (t) => {
  t.throws(() => readConfig({}), /OIDC_ISSUERS/)
  const bad = {
    OIDC_PROXY_PORT: 'x',
    OIDC_FRESH_SECONDS: '-1',
    LOG_LEVEL: 'loud',
    REDIS_URL: 'http://:secret@x',
    OIDC_ISSUERS: '{',
  }
  try {
    readConfig(bad)
    t.fail('accepted')
  } catch (error) {
    const { message } = error as Error
    for (const name of Object.keys(bad)) t.ok(message.includes(name), `${name} in: ${message}`)
    t.notOk(message.includes('secret'))
  }
})

t.test('configuration: issuer lists are checked line by line', async (t) => {
  const read = (issuers: unknown) => readConfig({ OIDC_ISSUERS: JSON.stringify(issuers) })
  for (const wrong of [
    [],
    {},
    [{}],
    [{ url: 'x' }],
    [{ url: 'http://a.example.com' }],
    [{ url: 'https://a?x' }],
    [{ url: 'https://a', typo: 1 }],
    [{ url: 'https://a' }, { url: 'https://a' }],
    [{ url: 'https://a', caCertificate: 'pem?' }],
    [{ url: 'https://a', connectTo: 'b:80' }],
    [{ url: 'https://127.0.0.1', connectTo: 'b' }],
    [{ url: 'https://*.example.com', connectTo: 'b' }],
  ]) {
    t.throws(() => read(wrong), /OIDC_ISSUERS/, JSON.stringify(wrong))
  }
  const config = read([
    { url: 'https://*.example.com', caCertificate },
    { url: 'http://localhost:5558', allowHttp: true },
  ])
  t.match(config, {
    host: '127.0.0.1',
    port: 5557,
    freshSeconds: 600,
    keepSeconds: 3600,
    keyIdRefetchSeconds: 10,
  })
  t.match(config.issuers[1], { allowHttp: true, allowPrivateNetwork: false })

  const file = join(mkdtempSync(join(tmpdir(), 'oidc-proxy-')), 'issuers.json')
  writeFileSync(file, '[{"url":"https://a.example.com"}]')
  t.equal(readConfig({ OIDC_ISSUERS_FILE: file }).issuers[0]?.url, 'https://a.example.com')
  t.throws(() => readConfig({ OIDC_ISSUERS_FILE: `${file}.none` }), /OIDC_ISSUERS_FILE/)
  // As PowerShell writes it.
  writeFileSync(file, Buffer.from('\ufeff[{"url":"https://a.example.com"}]', 'utf16le'))
  t.equal(readConfig({ OIDC_ISSUERS_FILE: file }).issuers[0]?.url, 'https://a.example.com')
})
