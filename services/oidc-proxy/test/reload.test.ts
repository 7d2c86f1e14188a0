import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createLogger } from '@sigstack/server'
import t from 'tap'
import { readConfig, startOidcProxy } from '../src/index.ts'
import { caCertificate, serveHttp } from './servers.ts'

const lines: string[] = []
const logger = createLogger({
  name: 'test',
  level: 'info',
  destination: { write: (line) => lines.push(line) },
})

t.test("the CA's configuration file is a list of issuers too, in YAML and in JSON", async (t) => {
  const folder = t.testdir()
  const path = join(folder, 'config.yaml')
  const indented = caCertificate.trim().replaceAll('\n', '\n      ')
  writeFileSync(
    path,
    `define:
  - &audience sigstore
oidc-issuers:
  https://login.example.com:
    issuer-url: https://login.example.com
    client-id: *audience
    type: email
    ca-cert: |
      ${indented}
  http://10.0.0.1:8080:
    client-id: *audience
    type: email
meta-issuers:
  https://oidc.eks.*.amazonaws.com/id/*:
    client-id: *audience
    type: kubernetes
`,
  )
  const environment = { OIDC_ISSUERS_FILE: path, OIDC_PRIVATE_ISSUERS: 'http://10.0.0.1:8080' }
  const [login, inside, family] = readConfig(environment).issuers
  t.match(login, { url: 'https://login.example.com', allowPrivateNetwork: false, allowHttp: false })
  t.equal(login!.caCertificate?.trim(), caCertificate.trim())
  t.same(inside, { url: 'http://10.0.0.1:8080', allowPrivateNetwork: true, allowHttp: true })
  t.match(family, { url: 'https://oidc.eks.*.amazonaws.com/id/*' })
  t.throws(() => readConfig({ OIDC_ISSUERS_FILE: path }), /10\.0\.0\.1.*OIDC_PRIVATE_ISSUERS/)
  writeFileSync(path, JSON.stringify({ OIDCIssuers: { 'https://a.example.com': { CACert: 'nothing' } } }))
  t.throws(() => readConfig(environment), /caCertificate of https:\/\/a.example.com is not a PEM certificate/)
})

t.test('changes of the file take effect, a bad file keeps the old list and says so', async (t) => {
  const issuers: string[] = []
  for (let i = 0; i < 2; i++) {
    const port = await serveHttp(t, (request, response) => {
      const issuer = `http://127.0.0.1:${port}`
      const isKeys = request.url === '/keys'
      response.end(
        JSON.stringify(
          isKeys ? { keys: [{ kty: 'RSA', kid: 'k' }] } : { issuer, jwks_uri: `${issuer}/keys` },
        ),
      )
    })
    issuers.push(`http://127.0.0.1:${port}`)
  }
  const path = join(t.testdir(), 'issuers.json')
  const write = (urls: readonly string[]) =>
    writeFileSync(
      path,
      JSON.stringify({ 'oidc-issuers': Object.fromEntries(urls.map((url) => [url, { 'client-id': 'x' }])) }),
    )
  write(issuers.slice(0, 1))
  const config = readConfig({
    OIDC_PROXY_PORT: '0',
    OIDC_ISSUERS_FILE: path,
    OIDC_PRIVATE_ISSUERS: issuers.join(','),
  })
  const proxy = await startOidcProxy(config, { logger, processMetrics: false })
  t.teardown(() => proxy.stop())
  const status = async (issuer: string) =>
    (await fetch(`${proxy.url}/v1/jwks?issuer=${encodeURIComponent(issuer)}`)).status
  const until = async (condition: () => boolean | Promise<boolean>) => {
    for (let i = 0; i < 2_000 && !(await condition()); i++)
      await new Promise((resolve) => setTimeout(resolve, 30))
  }
  t.equal(await status(issuers[0]!), 200)
  t.equal(await status(issuers[1]!), 404)
  write(issuers)
  await until(async () => (await status(issuers[1]!)) === 200)
  t.equal(await status(issuers[1]!), 200)
  t.equal(await status(issuers[0]!), 200)
  writeFileSync(path, '{"oidc-issuers": {"ftp://nowhere.example.com": {}}}')
  await until(() => lines.some((line) => line.includes('nowhere.example.com')))
  t.equal(await status(issuers[1]!), 200, 'the old list stays in force')
  const ready = await fetch(`${proxy.url}/readyz`)
  t.equal(ready.status, 200)
  t.match(await ready.json(), { checks: { issuers: /nowhere\.example\.com/ } })
  t.match(await (await fetch(`${proxy.url}/metrics`)).text(), /oidc_proxy_reload_refused 1/)
  write(issuers.slice(1))
  await until(async () => (await status(issuers[0]!)) === 404)
  t.equal(await status(issuers[0]!), 404, 'an issuer that was taken out is asked no more')
})
