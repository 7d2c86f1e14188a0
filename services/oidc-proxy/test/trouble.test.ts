/** Issuers that cannot be read are told of where an operator looks. */
import { createLogger } from '@sigstack/server'
import t from 'tap'
import { readConfig } from '../src/config.ts'
import { withTroubleInLog } from '../src/documents/trouble.ts'
import { startOidcProxy } from '../src/index.ts'
import { serveHttp } from './servers.ts'

t.test('a private issuer that nobody permitted is told with its reason and what mends it', async (t) => {
  const port = await serveHttp(t, (_request, response) => response.end('{}'))
  const url = `https://127.0.0.1:${port}/realms/acme`
  const folder = t.testdir({
    'identity.json': JSON.stringify({
      'oidc-issuers': { [url]: { 'client-id': 'sigstore', type: 'email' } },
    }),
  })
  const config = readConfig({ OIDC_ISSUERS_FILE: `${folder}/identity.json`, OIDC_PROXY_PORT: '0' })
  const proxy = await startOidcProxy(config, { logger: createLogger({ name: 'test', level: 'silent' }) })
  t.teardown(() => proxy.stop())
  const answer = await fetch(`${proxy.url}/v1/jwks?issuer=${encodeURIComponent(url)}`)
  t.equal(answer.status, 503)
  const { detail } = (await answer.json()) as { detail: string }
  t.match(
    detail,
    '127.0.0.1 is not a public address; if this issuer is meant to be there, name it in OIDC_PRIVATE_ISSUERS',
  )
  const { checks } = (await (await fetch(`${proxy.url}/readyz`)).json()) as { checks: { issuers: string } }
  t.match(checks.issuers, 'cannot be read: 127.0.0.1 is not a public address')
})

t.test('each trouble is told once, its end too, and members of families never', async (t) => {
  const records: string[] = []
  const note = (word: string) => (fields: object) => void records.push(`${word} ${JSON.stringify(fields)}`)
  const events = withTroubleInLog({ fetched: () => undefined, served: () => undefined }, {
    warn: note('warn'),
    info: note('info'),
  } as never)
  const policy = { allowPrivateNetwork: false, allowHttp: false }
  const url = 'https://a.example'
  const named = { url, entry: { url, ...policy } }
  const member = { url: 'https://b.c.example', entry: { url: 'https://*.c.example', ...policy } }
  events.fetched(named, 'jwks', 'timeout', 'slow')
  events.fetched(named, 'jwks', 'timeout', 'slow')
  events.fetched(member, 'jwks', 'timeout', 'slow')
  events.fetched(named, 'jwks', 'bad_status', 'gone')
  events.fetched(named, 'jwks', 'ok')
  events.fetched(named, 'jwks', 'ok')
  t.same(records, [
    `warn {"issuer":"${url}","document":"jwks","reason":"slow"}`,
    `warn {"issuer":"${url}","document":"jwks","reason":"gone"}`,
    `info {"issuer":"${url}","document":"jwks"}`,
  ])
})
