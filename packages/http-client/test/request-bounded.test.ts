import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import t, { type Test } from 'tap'
import { type HttpRequest, proxyAdvice, readProxyRules, requestBounded } from '../src/index.ts'

const usual: HttpRequest = { timeoutMs: 20_000, maxBytes: 1000 }

async function serve(t: Test, listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close().closeAllConnections())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Answers what it is asked for itself, and leads every tunnel to `port` of this machine. */
async function startProxy(t: Test, port = 0) {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers['proxy-authorization'] ?? ''}`.trim())
    response.end('from the proxy')
  }).listen(0, '127.0.0.1')
  server.on('connect', (request, socket) => {
    asked.push(`CONNECT ${request.url}`)
    if (port === 0) return void socket.end('HTTP/1.1 403 Forbidden\r\n\r\n')
    const upstream = connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      upstream.pipe(socket).pipe(upstream)
    })
    for (const end of [socket, upstream]) end.on('error', () => upstream.destroy())
  })
  await once(server, 'listening')
  t.teardown(() => server.close().closeAllConnections())
  return { asked, host: `127.0.0.1:${(server.address() as AddressInfo).port}` }
}

t.test('an answer of any status comes whole, with its headers and its text', async (t) => {
  const url = await serve(t, (request, response) => {
    response.writeHead(418, { 'x-method': request.method ?? '' })
    request.pipe(response)
  })
  const answer = await requestBounded(url, { ...usual, method: 'POST', body: 'Tee ☕' })
  t.equal(answer.status, 418)
  t.equal(answer.header('X-Method'), 'POST')
  t.equal(answer.header('none'), undefined)
  t.equal(answer.text(), 'Tee ☕')
})

t.test('a body beyond the limit is not read on, also where it is small before it is unpacked', async (t) => {
  const bomb = Buffer.alloc(8 << 20)
  const codings = {
    identity: bomb,
    gzip: gzipSync(bomb),
    deflate: deflateSync(bomb),
    br: brotliCompressSync(bomb),
    zstd: zstdCompressSync(bomb),
  }
  const url = await serve(t, (request, response) => {
    const coding = (request.url?.slice(1) ?? '') as keyof typeof codings
    response.writeHead(200, { 'content-encoding': coding }).end(codings[coding])
  })
  for (const coding of Object.keys(codings))
    await t.rejects(requestBounded(`${url}/${coding}`, usual), {
      code: 'too_large',
      message: 'more than 1000 bytes',
    })
})

t.test('what does not come in time, or not at all, is told in a phrase', async (t) => {
  const url = await serve(t, (request, response) => {
    if (request.url === '/drip') response.write('.')
    if (request.url === '/cut') request.socket.destroy()
  })
  for (const path of ['/silent', '/drip'])
    await t.rejects(requestBounded(url + path, { ...usual, timeoutMs: 100 }), {
      code: 'timeout',
      message: 'no whole answer within 100 ms',
    })
  await t.rejects(requestBounded(`${url}/cut`, usual), { code: 'unreachable' })
  const closed = createServer().listen(0, '127.0.0.1')
  await once(closed, 'listening')
  const { port } = closed.address() as AddressInfo
  await new Promise((resolve) => closed.close(resolve))
  await t.rejects(requestBounded(`http://127.0.0.1:${port}`, usual), {
    code: 'unreachable',
    message: 'ECONNREFUSED',
  })
})

t.test('whoever gives up hears the reason that was given', async (t) => {
  const url = await serve(t, () => undefined)
  const reason = new Error('enough')
  await t.rejects(requestBounded(url, { ...usual, signal: AbortSignal.abort(reason) }), reason)
  const waiting = new AbortController()
  const silent = await serve(t, () => waiting.abort(reason))
  await t.rejects(requestBounded(silent, { ...usual, signal: waiting.signal }), reason)
  const reading = new AbortController()
  const endless = await serve(t, (_request, response) =>
    response.write('a piece', () => reading.abort(reason)),
  )
  await t.rejects(requestBounded(endless, { ...usual, signal: reading.signal }), reason)
})

t.test('redirects are answers, unless they are to be followed', async (t) => {
  const url = await serve(t, (request, response) => {
    if (request.url === '/here') response.end('here')
    else response.writeHead(302, { location: '/here' }).end()
  })
  t.equal((await requestBounded(url, usual)).status, 302)
  const followed = await requestBounded(url, { ...usual, followRedirects: true })
  t.equal(followed.text(), 'here')
  t.equal(followed.url, `${url}/here`)
})

t.test('plain http is asked of the proxy itself, https through a tunnel', async (t) => {
  const { asked, host } = await startProxy(t)
  const route = readProxyRules({ HTTP_PROXY: `http://u:p%40ss@${host}`, HTTPS_PROXY: host })
  const answer = await requestBounded('http://rekor.example:3000/x', { ...usual, route })
  t.equal(answer.text(), 'from the proxy')
  await t.rejects(requestBounded('https://rekor.example/x', { ...usual, route }), {
    code: 'unreachable',
    message: `Proxy response (403) !== 200 when HTTP Tunneling (asked through the proxy ${host})`,
  })
  const refused = await requestBounded('https://rekor.example/x', { ...usual, route }).catch(
    (error: unknown) => error,
  )
  t.match(proxyAdvice(new Error('around', { cause: refused })), /NO_PROXY/)
  t.equal(proxyAdvice(new Error('another')), undefined)
  const authorization = `Basic ${Buffer.from('u:p@ss').toString('base64')}`
  const tunnel = 'CONNECT rekor.example:443'
  t.same(asked, [`GET http://rekor.example:3000/x ${authorization}`, tunnel, tunnel])
})

t.test('this machine is never asked for through a proxy, also after a redirect from elsewhere', async (t) => {
  const own = await serve(t, (_request, response) => response.end('own'))
  const { asked, host } = await startProxy(t)
  const route = readProxyRules({ HTTP_PROXY: host, HTTPS_PROXY: host })
  t.equal((await requestBounded(own, { ...usual, route })).text(), 'own')
  t.equal((await requestBounded(own.replace('127.0.0.1', 'localhost'), { ...usual, route })).text(), 'own')
  t.same(asked, [])
  const redirects = createServer((_request, response) => response.writeHead(307, { location: own }).end())
  redirects.listen(0, '127.0.0.1')
  await once(redirects, 'listening')
  t.teardown(() => redirects.close().closeAllConnections())
  const proxy = `127.0.0.1:${(redirects.address() as AddressInfo).port}`
  const answer = await requestBounded('http://elsewhere.example/', {
    ...usual,
    followRedirects: true,
    route: readProxyRules({ HTTP_PROXY: proxy }),
  })
  t.equal(answer.text(), 'own')
})

t.test('parts of one stack ask each other directly', async (t) => {
  const url = await serve(t, (_request, response) => response.end('direct'))
  t.equal((await requestBounded(url, { ...usual, route: 'direct' })).text(), 'direct')
})
