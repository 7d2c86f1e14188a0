/** The issuer of the cluster that this runs in: asked with the token of the pod, which nobody else sees. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { readConfig } from '../src/config.ts'
import type { Issuer, IssuerPolicy } from '../src/issuers/issuer.ts'
import { createGuardedFetch } from '../src/upstream/guarded-fetch.ts'
import { createServiceAccount, type ServiceAccountFiles } from '../src/upstream/service-account.ts'
import { caCertificate, serveHttp, serveHttps } from './servers.ts'

function issuerAt(url: string, policy: Partial<IssuerPolicy> = {}): Issuer {
  const entry = { url, allowPrivateNetwork: true, allowHttp: false, serviceAccountToken: true, ...policy }
  return { url, entry }
}

function fetchWith(t: { teardown(f: () => Promise<void>): void }, files: ServiceAccountFiles) {
  const upstream = createGuardedFetch({
    resolve: async () => [{ address: '127.0.0.1', family: 4 }],
    serviceAccount: createServiceAccount(files),
  })
  t.teardown(() => upstream.stop())
  return upstream
}

t.test(
  'the token, as its file is now, goes to the own host of the issuer, under the CA of the cluster',
  async (t) => {
    const seen: (string | undefined)[] = []
    const port = await serveHttps(t, (request, response) => {
      seen.push(request.headers.authorization)
      if (request.url === '/moved') response.writeHead(302, { location: '/x' }).end()
      else response.end('{}')
    })
    const folder = t.testdir({ token: 'one\n', 'ca.crt': caCertificate })
    const token = join(folder, 'token')
    const upstream = fetchWith(t, { token, ca: join(folder, 'ca.crt') })
    const url = `https://issuer.test:${port}`
    await upstream.readObject(issuerAt(url), `${url}/x`, 100)
    writeFileSync(token, 'two')
    await upstream.readObject(issuerAt(url), `${url}/moved`, 100)
    t.same(seen, ['Bearer one', 'Bearer two', 'Bearer two'])
  },
)

t.test('nobody else gets it: other hosts, other ports, other issuers', async (t) => {
  const seen: (string | undefined)[] = []
  const port = await serveHttps(t, (request, response) => {
    seen.push(request.headers.authorization)
    response.end('{}')
  })
  const folder = t.testdir({ token: 'secret' })
  const upstream = fetchWith(t, { token: join(folder, 'token') })
  const here = `https://issuer.test:${port}`
  await upstream.readObject(issuerAt('https://issuer.test', { caCertificate }), `${here}/keys`, 100)
  await upstream.readObject(issuerAt(here, { caCertificate }), `https://keys.test:${port}/keys`, 100)
  await upstream.readObject(issuerAt(here, { caCertificate, serviceAccountToken: false }), here, 100)
  t.same(seen, [undefined, undefined, undefined])
})

t.test('what is missing is told: no token, a file that is none, a cluster that refuses', async (t) => {
  const port = await serveHttp(t, (_request, response) => response.writeHead(403).end('{}'))
  const url = `http://127.0.0.1:${port}`
  const issuer = issuerAt(url, { allowHttp: true })
  const folder = t.testdir({ token: 'secret', broken: 'two lines\nof text' })
  const refusal = (files: ServiceAccountFiles) =>
    fetchWith(t, files)
      .readObject(issuer, url, 100)
      .catch(({ message }: Error) => message)
  t.equal(
    await refusal({ token: join(folder, 'token') }),
    `${url}/ answered with status 403 to the service account token of this pod`,
  )
  t.match(await refusal({}), 'answered with status 403; no service account token was sent')
  const gone = join(folder, 'gone')
  t.equal(await refusal({ token: gone }), `${gone}, of the service account, cannot be read (ENOENT)`)
  const broken = join(folder, 'broken')
  t.equal(await refusal({ token: broken }), `${broken} holds no service account token`)
})

t.test('issuers of clusters are those of that type which are private, and none by pattern', async (t) => {
  const kubernetes = { 'client-id': 'sigstore', type: 'kubernetes' }
  const folder = t.testdir({
    'identity.json': JSON.stringify({
      'oidc-issuers': {
        'https://kubernetes.default.svc': kubernetes,
        'https://container.googleapis.example/v1': kubernetes,
        'https://keycloak.internal': { ...kubernetes, type: 'email' },
      },
      'meta-issuers': { 'https://*.clusters.internal': kubernetes },
    }),
  })
  const config = readConfig({
    OIDC_ISSUERS_FILE: join(folder, 'identity.json'),
    OIDC_PRIVATE_ISSUERS:
      'https://kubernetes.default.svc, https://keycloak.internal,https://*.clusters.internal',
    OIDC_ISSUER_TOKEN_FILE: '/run/token',
    OIDC_ISSUER_CA_FILE: '/run/ca',
  })
  t.same(
    config.issuers.filter((entry) => entry.serviceAccountToken === true).map(({ url }) => url),
    ['https://kubernetes.default.svc'],
  )
  t.same(config.serviceAccountFiles, { token: '/run/token', ca: '/run/ca' })
  const own = (line: object) => () =>
    readConfig({ OIDC_ISSUERS: JSON.stringify([{ serviceAccountToken: true, ...line }]) })
  t.ok(own({ url: 'https://kubernetes.default.svc', allowPrivateNetwork: true })())
  for (const line of [
    { url: 'https://kubernetes.example.com' },
    { url: 'https://*.clusters.internal', allowPrivateNetwork: true },
  ])
    t.throws(own(line), { message: /the token is for the own cluster alone/ })
})
