import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import t from 'tap'
import type { Issuer, IssuerPolicy } from '../src/issuers/issuer.ts'
import { isPublicAddress, type Resolve } from '../src/upstream/addresses.ts'
import { createGuardedFetch, type GuardedFetchOptions } from '../src/upstream/guarded-fetch.ts'
import { caCertificate, serveHttp, serveHttps } from './servers.ts'

fc.configureGlobal({ seed: 1 })

const maxBytes = 10_000
const loopback: Resolve = async () => [{ address: '127.0.0.1', family: 4 }]

function issuerAt(url: string, policy: Partial<IssuerPolicy> = {}): Issuer {
  return { url, entry: { url, allowPrivateNetwork: true, allowHttp: false, caCertificate, ...policy } }
}

function fetchOf(t: { teardown(f: () => Promise<void>): void }, options: GuardedFetchOptions = {}) {
  const upstream = createGuardedFetch({ resolve: loopback, ...options })
  t.teardown(() => upstream.stop())
  return upstream
}

t.test('a JSON object comes back as it was served, over TLS under the configured CA', async (t) => {
  const port = await serveHttps(t, (_request, response) => response.end('{ "a": 1 }'))
  const url = `https://issuer.test:${port}`
  t.equal(await fetchOf(t).readObject(issuerAt(url), `${url}/x`, maxBytes), '{ "a": 1 }')
})

t.test('a server whose certificate is under no trusted CA is not believed', async (t) => {
  const port = await serveHttps(t, (_request, response) => response.end('{}'))
  const url = `https://issuer.test:${port}`
  const { caCertificate: _, ...entry } = issuerAt(url).entry
  await t.rejects(fetchOf(t).readObject({ url, entry }, url, maxBytes), { code: 'unreachable' })
})

t.test('a server with a certificate for another name is not believed', async (t) => {
  const port = await serveHttps(t, (_request, response) => response.end('{}'))
  const url = `https://other.test:${port}`
  await t.rejects(fetchOf(t).readObject(issuerAt(url), url, maxBytes), { code: 'unreachable' })
})

t.test('a redirect is followed on the same host only, and not forever', async (t) => {
  let otherReached = false
  const otherPort = await serveHttps(t, (_request, response) => {
    otherReached = true
    response.end('{}')
  })
  const plainPort = await serveHttp(t, (_request, response) => response.end('{}'))
  const port = await serveHttps(t, (request, response) => {
    const targets: Record<string, string> = {
      '/once': '/here',
      '/loop': '/loop',
      '/otherport': `https://issuer.test:${otherPort}/`,
      '/otherhost': `https://keys.test:${port}/here`,
      '/schemeless': `//keys.test:${port}/here`,
      '/plain': `http://issuer.test:${plainPort}/`,
      '/invalid': 'https://[',
    }
    const location = targets[request.url ?? '']
    if (location === undefined) response.end('{"here":true}')
    else response.writeHead(302, { location }).end()
  })
  const url = `https://issuer.test:${port}`
  const upstream = fetchOf(t)
  t.equal(await upstream.readObject(issuerAt(url), `${url}/once`, maxBytes), '{"here":true}')
  for (const path of ['/loop', '/otherport', '/otherhost', '/schemeless', '/plain', '/invalid']) {
    await t.rejects(
      upstream.readObject(issuerAt(url), url + path, maxBytes),
      { code: 'redirect_refused' },
      path,
    )
  }
  t.equal(otherReached, false)
})

t.test('a document above the limit is cut off, whether its length is declared or not', async (t) => {
  const port = await serveHttps(t, (request, response) => {
    const body = JSON.stringify({ padding: 'x'.repeat(maxBytes) })
    if (request.url === '/chunked') {
      response.write(body)
      response.write(' '.repeat(1000))
      // Never ended: the limit must act before the end is seen.
    } else response.end(body)
  })
  const url = `https://issuer.test:${port}`
  const upstream = fetchOf(t)
  await t.rejects(upstream.readObject(issuerAt(url), `${url}/chunked`, maxBytes), { code: 'too_large' })
  await t.rejects(upstream.readObject(issuerAt(url), `${url}/whole`, maxBytes), { code: 'too_large' })
})

t.test('a slow issuer is given up on, before and within its answer', async (t) => {
  const port = await serveHttps(t, (request, response) => {
    if (request.url === '/drip') {
      const timer = setInterval(() => response.write(' '), 50)
      response.on('close', () => clearInterval(timer))
    }
  })
  const url = `https://issuer.test:${port}`
  const upstream = fetchOf(t, { limits: { totalTimeoutMs: 300 } })
  await t.rejects(upstream.readObject(issuerAt(url), `${url}/silent`, maxBytes), { code: 'timeout' })
  await t.rejects(upstream.readObject(issuerAt(url), `${url}/drip`, maxBytes), { code: 'timeout' })
  const unresolved = fetchOf(t, {
    limits: { totalTimeoutMs: 300 },
    resolve: () => new Promise(() => undefined),
  })
  await t.rejects(unresolved.readObject(issuerAt(url), url, maxBytes), { code: 'timeout' })
})

t.test('only status 200 and a JSON object will do', async (t) => {
  const bodies: Record<string, [number, string | Buffer]> = {
    '/created': [201, '{}'],
    '/missing': [404, '{}'],
    '/failing': [500, '{}'],
    '/html': [200, '<html>'],
    '/array': [200, '[]'],
    '/null': [200, 'null'],
    '/empty': [200, ''],
    '/deep': [200, `{"keys":${'['.repeat(200)}${']'.repeat(200)}}`],
  }
  const port = await serveHttps(t, (request, response) => {
    const [status, body] = bodies[request.url ?? ''] ?? [200, '{}']
    response.writeHead(status).end(body)
  })
  const url = `https://issuer.test:${port}`
  const upstream = fetchOf(t)
  for (const [path, [status]] of Object.entries(bodies)) {
    const code = status === 200 ? 'not_json' : 'bad_status'
    await t.rejects(upstream.readObject(issuerAt(url), url + path, maxBytes), { code }, path)
  }
})

t.test('an answer is read as it says it is, whatever was asked for', async (t) => {
  const json = '{"a":"ä"}'
  const utf16 = Buffer.from(`\ufeff${json}`, 'utf16le')
  const answers: Record<string, [Record<string, string>, Uint8Array]> = {
    '/gzip': [{ 'content-encoding': 'gzip' }, gzipSync(json)],
    '/br': [{ 'content-encoding': 'br' }, brotliCompressSync(json)],
    '/deflate': [{ 'content-encoding': 'deflate' }, deflateSync(json)],
    '/mark': [{}, Buffer.from(`\ufeff${json}`)],
    '/utf16': [{}, utf16],
    '/latin': [{ 'content-type': 'application/json; charset=iso-8859-1' }, Buffer.from(json, 'latin1')],
    '/jwkset': [{ 'content-type': 'application/jwk-set+json' }, Buffer.from(json)],
    '/text': [{ 'content-type': 'text/plain' }, Buffer.from(json)],
    '/bomb': [{ 'content-encoding': 'gzip' }, gzipSync(Buffer.alloc(4 << 20, ' '))],
    '/notgzip': [{ 'content-encoding': 'gzip' }, Buffer.from(json)],
    '/cutgzip': [{ 'content-encoding': 'gzip' }, gzipSync(json).subarray(0, -6)],
    '/unknown': [{ 'content-encoding': 'compress' }, Buffer.from(json)],
  }
  const asked: (string | undefined)[] = []
  const port = await serveHttps(t, (request, response) => {
    asked.push(request.headers.accept)
    const [headers, body] = answers[request.url ?? ''] ?? [{}, '']
    response.writeHead(200, headers).end(body)
  })
  const url = `https://issuer.test:${port}`
  const upstream = fetchOf(t)
  const read = (path: string) => upstream.readObject(issuerAt(url), url + path, maxBytes)
  for (const path of ['/gzip', '/br', '/deflate', '/mark', '/utf16', '/latin', '/jwkset', '/text'])
    t.same(JSON.parse(await read(path)), { a: 'ä' }, path)
  t.same([...new Set(asked)], [undefined], 'nothing is demanded of a server that may not like it')
  await t.rejects(read('/bomb'), { code: 'too_large' })
  for (const path of ['/notgzip', '/cutgzip', '/unknown'])
    await t.rejects(
      read(path),
      { code: 'not_json', message: /cannot be unpacked, Content-Encoding is "/ },
      path,
    )
})

t.test('private addresses are refused by name and by literal, and nothing is sent to them', async (t) => {
  let reached = false
  const port = await serveHttps(t, (_request, response) => {
    reached = true
    response.end('{}')
  })
  const hosts = [
    'issuer.test',
    '127.0.0.1',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '0x7f.1',
    '2130706433',
    '017700000001',
    '127.0.0.1.',
    '127.1',
    '①②⑦.0.0.1',
    '[::ffff:7f00:1]',
    '[64:ff9b::a9fe:a9fe]',
    '[::]',
    '0.0.0.0',
    '169.254.169.254',
  ]
  const upstream = fetchOf(t)
  for (const host of hosts) {
    const url = `https://${host}:${port}`
    const issuer = issuerAt(url, { allowPrivateNetwork: false })
    await t.rejects(upstream.readObject(issuer, url, maxBytes), { code: 'address_refused' }, host)
  }
  t.equal(reached, false)
})

t.test('a name with one private address among public ones is refused', async (t) => {
  const resolve: Resolve = async () => [
    { address: '8.8.8.8', family: 4 },
    { address: '10.0.0.1', family: 4 },
  ]
  const issuer = issuerAt('https://issuer.test', { allowPrivateNetwork: false })
  await t.rejects(fetchOf(t, { resolve }).readObject(issuer, issuer.url, maxBytes), {
    code: 'address_refused',
  })
})

t.test('the connection goes to the address that was checked, whatever the name says next', async (t) => {
  const reached: (string | undefined)[] = []
  const port = await serveHttps(
    t,
    (request, response) => {
      reached.push(request.socket.localAddress)
      response.end('{}')
    },
    '0.0.0.0',
  )
  const answers = ['127.0.0.2', '127.0.0.1', '127.0.0.1']
  let asked = 0
  const upstream = fetchOf(t, {
    resolve: async () => [{ address: answers[asked++] ?? '127.0.0.1', family: 4 }],
    isAllowedAddress: (address) => address === '127.0.0.2',
  })
  const url = `https://issuer.test:${port}`
  const issuer = issuerAt(url, { allowPrivateNetwork: false })
  await upstream.readObject(issuer, url, maxBytes)
  t.same(reached, ['127.0.0.2'])
  t.equal(asked, 1, 'one resolution serves both the check and the connection')

  const second = fetchOf(t, {
    resolve: async () => [{ address: answers[asked++] ?? '127.0.0.1', family: 4 }],
    isAllowedAddress: (address) => address === '127.0.0.2',
  })
  await t.rejects(second.readObject(issuer, url, maxBytes), { code: 'address_refused' })
  t.same(reached, ['127.0.0.2'], 'the rebound name led nowhere')
})

t.test('http is spoken only to the own host of an issuer that allows it', async (t) => {
  const port = await serveHttp(t, (_request, response) => response.end('{}'))
  const url = `http://localhost:${port}`
  const upstream = fetchOf(t)
  t.equal(await upstream.readObject(issuerAt(url, { allowHttp: true }), `${url}/x`, maxBytes), '{}')
  await t.rejects(upstream.readObject(issuerAt(url), url, maxBytes), { code: 'url_refused' })
  const elsewhere = issuerAt('http://localhost:1', { allowHttp: true })
  await t.rejects(upstream.readObject(elsewhere, url, maxBytes), { code: 'url_refused' })
  for (const bad of [
    'ftp://issuer.test/',
    'file:///etc/passwd',
    'https://user:pw@issuer.test/',
    'no url',
    '',
  ]) {
    await t.rejects(upstream.readObject(issuerAt(url), bad, maxBytes), { code: 'url_refused' }, bad)
  }
})

t.test('special address ranges are not public', async (t) => {
  const special = [
    '0.0.0.0',
    '10.1.2.3',
    '100.64.0.1',
    '127.0.0.1',
    '169.254.169.254',
    '172.16.0.1',
    '192.0.0.1',
    '192.0.2.1',
    '192.168.1.1',
    '198.18.0.1',
    '224.0.0.1',
    '240.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::127.0.0.1',
    '::ffff:10.0.0.1',
    '64:ff9b::7f00:1',
    '64:ff9b:1::7f00:1',
    '::ffff:0:127.0.0.1',
    '::7f00:1',
    '2001:2::1',
    '5f00::1',
    '192.88.99.1',
    '2002:7f00:1::1',
    '2001:0:1::1',
    'fc00::1',
    'fd12::1',
    'fe80::1',
    'fec0::1',
    'ff02::1',
    '2001:db8::1',
    '100::1',
    'not an address',
    '',
  ]
  for (const address of special) t.equal(isPublicAddress(address), false, address)
  for (const address of ['8.8.8.8', '93.184.216.34', '2606:4700:4700::1111', '::ffff:8.8.8.8']) {
    t.equal(isPublicAddress(address), true, address)
  }
})

t.test('no text whatsoever makes the address check throw, and no 10/8 or 127/8 address passes', async (t) => {
  fc.assert(fc.property(fc.string(), (text) => typeof isPublicAddress(text) === 'boolean'))
  const octet = fc.integer({ min: 0, max: 255 })
  fc.assert(
    fc.property(fc.constantFrom(10, 127), octet, octet, octet, (a, b, c, d) => {
      const mapped = `::ffff:${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`
      return !isPublicAddress(`${a}.${b}.${c}.${d}`) && !isPublicAddress(mapped)
    }),
  )
  t.pass()
})

t.test(
  'an issuer with connectTo is reached there, under its own name, and only its own host is',
  async (t) => {
    const hosts: (string | undefined)[] = []
    const port = await serveHttps(t, (request, response) => {
      hosts.push(request.headers.host)
      response.end('{}')
    })
    const resolved: string[] = []
    const resolve: Resolve = async (hostname) => {
      resolved.push(hostname)
      return [{ address: '127.0.0.1', family: 4 }]
    }
    const url = `https://issuer.test:${port}`
    const issuer = issuerAt(url, { connectTo: 'inside.test' })
    const upstream = fetchOf(t, { resolve })
    // The certificate does not name inside.test, so the handshake proves which name was asked for.
    await upstream.readObject(issuer, url, maxBytes)
    await upstream.readObject(issuer, `https://keys.test:${port}`, maxBytes)
    t.same(resolved, ['inside.test', 'keys.test'])
    t.same(hosts, [`issuer.test:${port}`, `keys.test:${port}`])
  },
)

t.test('connectTo leads to no address that the issuer may not have', async (t) => {
  const resolve: Resolve = async () => [{ address: '10.0.0.1', family: 4 }]
  const issuer = issuerAt('https://issuer.test', { connectTo: 'inside.test', allowPrivateNetwork: false })
  await t.rejects(fetchOf(t, { resolve }).readObject(issuer, issuer.url, maxBytes), {
    code: 'address_refused',
  })
})
