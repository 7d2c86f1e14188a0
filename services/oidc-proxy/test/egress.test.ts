/** Requests to issuers through the proxy of a network, with a proxy of our own in between. */
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { readConfig } from '../src/config.ts'
import type { Issuer, IssuerPolicy } from '../src/issuers/issuer.ts'
import { goesThroughProxy, readEgressProxy } from '../src/upstream/egress.ts'
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
      proxy: { url: `http://u:p%40ss@${host}`, except: '' },
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
  const upstream = createGuardedFetch({ resolve: noName, proxy: { url: `http://${host}`, except: '' } })
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
  const upstream = createGuardedFetch({ resolve, proxy: { url: `http://${host}`, except: 'issuer.test' } })
  t.teardown(() => upstream.stop())
  const url = `https://issuer.test:${port}`
  t.equal(await upstream.readObject(issuerAt(url, { allowPrivateNetwork: true }), url, 100), '{}')
  await t.rejects(
    upstream.readObject(issuerAt(url), url, 100),
    { code: 'address_refused' },
    'NO_PROXY is no way around the check of addresses',
  )
  t.same(asked, [])
  const through = (except: string, target: string, policy: Partial<IssuerPolicy> = {}) =>
    goesThroughProxy(issuerAt(target, policy).entry, new URL(target), { url: 'http://p', except })
  const target = 'https://login.example.com'
  t.ok(through('', target))
  t.notOk(through('', target, { connectTo: 'inside' }))
  t.notOk(through('', 'http://login.example.com', { allowHttp: true }))
  for (const except of [
    '*',
    'example.com',
    '.example.com',
    '*.example.com',
    'x, LOGIN.example.com:443',
    'a login.example.com',
  ])
    t.notOk(through(except, target), except)
  for (const except of ['login.example.com:8443', 'ample.com', 'login.example.com.evil', 'example', '.', ','])
    t.ok(through(except, target), except)
  t.notOk(through('example.com:8443', 'https://login.example.com.:8443'))
})

t.test(
  'a proxy that refuses, is away or silent makes the issuer unreachable, and shows no password',
  async (t) => {
    const issuer = issuerAt('https://issuer.test')
    for (const status of [403, 407, 502]) {
      const { host } = await startEgress(t, 1, status)
      const upstream = createGuardedFetch({ proxy: { url: `http://u:secret@${host}`, except: '' } })
      await t.rejects(
        upstream.readObject(issuer, 'https://issuer.test/', 100),
        { code: 'unreachable', message: new RegExp(`cannot be reached: .*${status}`) },
        String(status),
      )
      await upstream.stop()
    }
    const away = createGuardedFetch({ proxy: { url: 'http://u:secret@127.0.0.1:1', except: '' } })
    const error = await away.readObject(issuer, 'https://issuer.test/', 100).catch((reason: Error) => reason)
    t.match(error, { code: 'unreachable' })
    t.notMatch(String(error), 'secret')
    await away.stop()
  },
)

t.test('HTTPS_PROXY and NO_PROXY, in either case, are what configures it', async (t) => {
  t.equal(readEgressProxy({}), undefined)
  t.equal(readEgressProxy({ HTTPS_PROXY: '' }), undefined)
  t.same(readEgressProxy({ https_proxy: 'http://p:3128', no_proxy: 'a' }), {
    url: 'http://p:3128',
    except: 'a',
  })
  const file = join(t.testdir({ proxy: 'http://u:secret@p:3128\n' }), 'proxy')
  t.match(readEgressProxy({ HTTPS_PROXY_FILE: file }), { url: 'http://u:secret@p:3128' })
  const issuers = { OIDC_ISSUERS: '[{"url":"https://login.example.com"}]' }
  t.match(readConfig({ ...issuers, HTTPS_PROXY: 'https://p', NO_PROXY: 'b' }), {
    egressProxy: { url: 'https://p', except: 'b' },
  })
  t.throws(() => readConfig({ ...issuers, HTTPS_PROXY: 'socks5://u:secret@p' }), {
    message:
      /^bad configuration: HTTPS_PROXY must be an http or https URL, such as http:\/\/proxy\.example\.com:3128$/,
  })
})
