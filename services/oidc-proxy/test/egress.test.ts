/** Requests to issuers through the proxy of a network, with a proxy of our own in between. */
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { join } from 'node:path'
import type { ProxyRules } from '@sigstack/http-client'
import t, { type Test } from 'tap'
import { readConfig } from '../src/config.ts'
import type { Issuer, IssuerPolicy } from '../src/issuers/issuer.ts'
import { proxyOf, readEgressProxy } from '../src/upstream/egress.ts'
import { createGuardedFetch } from '../src/upstream/guarded-fetch.ts'
import { caCertificate, serveHttps } from './servers.ts'

/** Connects every tunnel to `port` of this machine, as a resolver of its own would. */
async function startEgress(t: Test, port: number, status = 200) {
  const asked: { readonly target: string; readonly authorization: string | undefined }[] = []
  const server = createServer((_request, response) => response.writeHead(500).end())
  server.on('connect', (request, socket) => {
    asked.push({ target: request.url ?? '', authorization: request.headers['proxy-authorization'] })
    if (status !== 200) return void socket.end(`HTTP/1.1 ${status} No\r\n\r\n`)
    const upstream = connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
      upstream.pipe(socket).pipe(upstream)
    })
    for (const end of [socket, upstream]) end.on('error', () => upstream.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { asked, host: `127.0.0.1:${(server.address() as AddressInfo).port}` }
}

function issuerAt(url: string, policy: Partial<IssuerPolicy> = {}): Issuer {
  return { url, entry: { url, allowPrivateNetwork: false, allowHttp: false, caCertificate, ...policy } }
}

const through = (proxy: string, except = ''): ProxyRules =>
  readEgressProxy({ HTTPS_PROXY: proxy, NO_PROXY: except }) as ProxyRules

const noName = async (): Promise<never> => {
  throw new Error('no name is resolved here')
}

t.test(
  'issuers are asked through the proxy, which resolves their names; TLS is with the issuer',
  async (t) => {
    const port = await serveHttps(t, (request, response) =>
      request.url === '/elsewhere'
        ? response.writeHead(302, { location: 'https://other.test/x' }).end()
        : response.end('{"here":true}'),
    )
    const { asked, host } = await startEgress(t, port)
    const upstream = createGuardedFetch({
      resolve: noName,
      proxy: through(`http://u:p%40ss@${host}`),
    })
    t.teardown(() => upstream.stop())
    const issuer = issuerAt('https://issuer.test')
    t.equal(await upstream.readObject(issuer, 'https://issuer.test/x', 1000), '{"here":true}')
    const authorization = `Basic ${Buffer.from('u:p@ss').toString('base64')}`
    t.same(asked[0], { target: 'issuer.test:443', authorization })
    await t.rejects(upstream.readObject(issuer, 'https://issuer.test/elsewhere', 1000), {
      code: 'redirect_refused',
    })
    await t.rejects(upstream.readObject(issuer, 'https://issuer.test/x', 5), { code: 'too_large' })
    await t.rejects(
      upstream.readObject(issuerAt('https://other.test'), 'https://other.test/', 1000),
      { code: 'unreachable' },
      'a certificate for another name',
    )
  },
)

t.test('what is left of the guards: https, addresses in URLs, and names of local networks', async (t) => {
  const { asked, host } = await startEgress(t, 1)
  const resolve = async () => [{ address: '127.0.0.1', family: 4 }]
  const upstream = createGuardedFetch({ resolve, proxy: through(`http://${host}`) })
  t.teardown(() => upstream.stop())
  const issuer = issuerAt('https://issuer.test')
  for (const url of [
    'https://127.0.0.1/',
    'https://[::1]/',
    'https://169.254.169.254/',
    'https://localhost/',
    'https://vault/',
    'https://db.internal./',
    'https://printer.local/',
    'https://router.home.arpa/',
    'https://a.localhost/',
  ])
    await t.rejects(upstream.readObject(issuer, url, 1000), { code: 'address_refused' }, url)
  await t.rejects(upstream.readObject(issuer, 'http://issuer.test/', 1000), { code: 'url_refused' })
  t.same(asked, [], 'the proxy never heard of them')
})

t.test('private issuers, those with connectTo, and NO_PROXY are asked directly', async (t) => {
  const port = await serveHttps(t, (_request, response) => response.end('{}'))
  const { asked, host } = await startEgress(t, port)
  const resolve = async () => [{ address: '127.0.0.1', family: 4 }]
  const upstream = createGuardedFetch({ resolve, proxy: through(`http://${host}`, 'issuer.test') })
  t.teardown(() => upstream.stop())
  const url = `https://issuer.test:${port}`
  t.equal(await upstream.readObject(issuerAt(url, { allowPrivateNetwork: true }), url, 100), '{}')
  await t.rejects(
    upstream.readObject(issuerAt(url), url, 100),
    { code: 'address_refused' },
    'NO_PROXY is no way around the check of addresses',
  )
  t.same(asked, [])
  const wayTo = (target: string, policy: Partial<IssuerPolicy> = {}, except = '') =>
    proxyOf(issuerAt(target, policy).entry, new URL(target), through('http://p', except))
  const target = 'https://login.example.com'
  t.equal(wayTo(target), 'http://p/')
  t.equal(wayTo(target, { connectTo: 'inside' }), undefined)
  t.equal(wayTo('http://login.example.com', { allowHttp: true }), undefined)
  t.equal(wayTo(target, {}, '.example.com'), undefined)
  t.equal(wayTo(target, {}, '10.0.0.0/8,ample.com'), 'http://p/')
})

t.test(
  'a proxy that refuses, is away or silent makes the issuer unreachable, and shows no password',
  async (t) => {
    const issuer = issuerAt('https://issuer.test')
    for (const status of [403, 407, 502]) {
      const { host } = await startEgress(t, 1, status)
      const upstream = createGuardedFetch({ proxy: through(`http://u:secret@${host}`) })
      await t.rejects(
        upstream.readObject(issuer, 'https://issuer.test/', 100),
        { code: 'unreachable', message: new RegExp(`cannot be reached: .*${status}`) },
        String(status),
      )
      await upstream.stop()
    }
    const away = createGuardedFetch({ proxy: through('http://u:secret@127.0.0.1:1') })
    const error = await away.readObject(issuer, 'https://issuer.test/', 100).catch((reason: Error) => reason)
    t.match(error, { code: 'unreachable' })
    t.notMatch(String(error), 'secret')
    await away.stop()
  },
)

t.test('HTTPS_PROXY and NO_PROXY, in either case, are what configures it', async (t) => {
  const way = (rules: ProxyRules | undefined) => rules?.proxyFor(new URL('https://login.example.com'))
  t.equal(readEgressProxy({}), undefined)
  t.equal(readEgressProxy({ HTTPS_PROXY: '' }), undefined)
  t.equal(readEgressProxy({ HTTP_PROXY: 'http://p', ALL_PROXY: 'http://p' }), undefined)
  t.equal(way(readEgressProxy({ https_proxy: 'p:3128', no_proxy: 'a' })), 'http://p:3128/')
  t.equal(way(readEgressProxy({ https_proxy: 'p:3128', no_proxy: 'example.com' })), undefined)
  const file = join(t.testdir({ proxy: 'http://u:secret@p:3128\n' }), 'proxy')
  t.equal(way(readEgressProxy({ HTTPS_PROXY_FILE: file })), 'http://u:secret@p:3128/')
  const issuers = { OIDC_ISSUERS: '[{"url":"https://login.example.com"}]' }
  t.equal(way(readConfig({ ...issuers, HTTPS_PROXY: 'https://p', NO_PROXY: 'b' }).egressProxy), 'https://p/')
  t.throws(() => readConfig({ ...issuers, HTTPS_PROXY: 'ftp://u:secret@p' }), {
    message:
      /^bad configuration: HTTPS_PROXY must be the URL of a proxy \(http, https or socks5\), such as http:\/\/proxy\.example\.com:3128$/,
  })
})
