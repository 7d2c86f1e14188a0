import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, createServer as createSocketServer, type Server } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { gzipSync } from 'node:zlib'
import t, { type Test } from 'tap'
import { openExchange, readBounded, readProxyRules, requestBounded } from '../src/index.ts'
import type { ExchangeRequest } from '../src/open-exchange.ts'

const usual: ExchangeRequest = { method: 'GET', idleTimeoutMs: 20_000, route: 'direct' }

async function listen(t: Test, server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return (server.address() as AddressInfo).port
}

async function serve(t: Test, listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  t.teardown(() => server.closeAllConnections())
  return `http://127.0.0.1:${await listen(t, server)}`
}

async function* pieces(count: number, bytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < count; at++) yield Buffer.alloc(bytes, at)
}

/** A certificate that vouches for itself. */
function selfSigned(folder: string, name: string) {
  const [key, cert] = [`${folder}/${name}.key`, `${folder}/${name}.pem`]
  const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=DNS:localhost']
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  execFileSync('openssl', ['req', '-x509', ...curve, '-keyout', key, '-out', cert, ...subject], {
    stdio: 'ignore',
  })
  return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') }
}

t.test('bodies go and come in pieces, whatever their method and size', async (t) => {
  const url = await serve(t, (request, response) => {
    response.writeHead(201, { 'x-method': request.method, 'x-length': request.headers['content-length'] })
    request.pipe(response)
  })
  const answer = await openExchange(url, {
    ...usual,
    method: 'PATCH',
    headers: { 'content-length': '3000' },
    body: pieces(3, 1000),
  })
  t.equal(answer.status, 201)
  t.equal(answer.header('X-Method'), 'PATCH')
  t.equal(answer.header('x-length'), '3000')
  t.equal((await readBounded(answer.body, 3000)).at(-1), 2)
  const whole = await openExchange(url, { ...usual, method: 'PUT', body: Buffer.from('whole') })
  t.equal((await readBounded(whole.body, 10)).toString(), 'whole')
})

t.test('an answer is read without its content codings, in bounded memory', async (t) => {
  const url = await serve(t, (_request, response) =>
    response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(8 << 20))),
  )
  const { body } = await openExchange(url, usual)
  await t.rejects(readBounded(body, 1000), { code: 'too_large' })
})

t.test('an answer that stops, or that nobody takes, is told in a phrase', async (t) => {
  const url = await serve(t, (request, response) => {
    if (request.url === '/stops') response.writeHead(200, { 'content-length': '10' }).write('.')
    if (request.url === '/cut') request.socket.destroy()
  })
  const brief = { ...usual, idleTimeoutMs: 100 }
  const silence = { code: 'timeout', message: 'nothing, or next to nothing, moved for 100 ms' }
  const readAll = async (path: string) => readBounded((await openExchange(url + path, brief)).body, 10)
  await t.rejects(readAll('/stops'), silence)
  await t.rejects(openExchange(`${url}/silent`, brief), silence)
  await t.rejects(openExchange(`${url}/cut`, usual), { code: 'unreachable' })
  const deaf = await listen(t, createSocketServer({ pauseOnConnect: true }))
  await t.rejects(
    openExchange(`http://127.0.0.1:${deaf}`, { ...brief, method: 'PUT', body: pieces(200, 1 << 20) }),
    silence,
  )
})

t.test('a byte now and then, of the head or the body, is no progress', async (t) => {
  const url = await serve(t, (request, response) => {
    if (request.url === '/head') request.socket.write('HTTP/1.1 200 OK\r\nx: ')
    else response.writeHead(200)
    const target = request.url === '/head' ? request.socket : response
    const drip = setInterval(() => target.write('x'), 5)
    request.socket.on('error', () => undefined).on('close', () => clearInterval(drip))
  })
  const brief = { ...usual, idleTimeoutMs: 100 }
  await t.rejects(openExchange(`${url}/head`, brief), { code: 'timeout' })
  const { body } = await openExchange(`${url}/body`, brief)
  await t.rejects(readBounded(body, 1 << 20), { code: 'timeout' })
})

t.test('what the source of a body throws reaches the caller as it is', async (t) => {
  const url = await serve(t, (request) => void request.resume())
  const failure = Object.assign(new Error('the source is dry'), { code: 'dry' })
  async function* failing(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('a')
    throw failure
  }
  await t.rejects(openExchange(url, { ...usual, method: 'PUT', body: failing() }), failure)
})

t.test('whoever gives up hears the reason that was given, also in the middle of a body', async (t) => {
  const url = await serve(t, (_request, response) => void response.write('.'))
  const reason = new Error('enough')
  await t.rejects(openExchange(url, { ...usual, signal: AbortSignal.abort(reason) }), reason)
  const abort = new AbortController()
  const { body } = await openExchange(url, { ...usual, signal: abort.signal })
  const reading = (async () => {
    for await (const _piece of body) abort.abort(reason)
  })()
  await t.rejects(reading, reason)
})

t.test('connections of discarded answers are used again', async (t) => {
  const sockets = new Set<unknown>()
  const url = await serve(t, (request, response) => {
    sockets.add(request.socket)
    response.end('some words')
  })
  for (let at = 0; at < 10; at++) await (await openExchange(url, usual)).discard()
  t.ok(sockets.size < 10)
})

t.test('own roots, a name for the certificate, and a certificate of ours', async (t) => {
  const folder = t.testdir()
  const [server, client] = [selfSigned(folder, 'server'), selfSigned(folder, 'client')]
  const tlsServer = createTlsServer(
    { ...server, ca: client.cert, requestCert: true, rejectUnauthorized: false },
    (request, response) => response.end(String((request.socket as TLSSocket).authorized)),
  )
  t.teardown(() => tlsServer.closeAllConnections())
  const port = await listen(t, tlsServer)
  const ask = async (tls: ExchangeRequest['tls'], host = 'localhost'): Promise<string> => {
    const { body } = await openExchange(`https://${host}:${port}`, { ...usual, tls })
    return (await readBounded(body, 10)).toString()
  }
  await t.rejects(ask(undefined), { code: 'unreachable', message: /SELF_SIGNED/ })
  t.equal(await ask({ ca: server.cert }), 'false')
  await t.rejects(ask({ ca: server.cert }, '127.0.0.1'), { message: 'ERR_TLS_CERT_ALTNAME_INVALID' })
  t.equal(await ask({ ca: server.cert, serverName: 'localhost' }, '127.0.0.1'), 'false')
  t.equal(await ask({ ca: server.cert, ...client }), 'true')
  t.equal(await ask({ isUnchecked: true }), 'false')
})

t.test('it goes through the proxy that the rules name', async (t) => {
  const proxy = await serve(t, (request, response) => response.end(request.url))
  const route = readProxyRules({ HTTP_PROXY: proxy })
  const { body } = await openExchange('http://registry.example/v2/', { ...usual, route })
  t.equal((await readBounded(body, 100)).toString(), 'http://registry.example/v2/')
})

t.test('who changes to another protocol has not answered', async (t) => {
  const server = createSocketServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () =>
      socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: other\r\n\r\n'),
    )
  })
  const url = `http://127.0.0.1:${await listen(t, server)}`
  await t.rejects(openExchange(url, usual), { name: 'HttpError', code: 'unreachable' })
  await t.rejects(requestBounded(url, { timeoutMs: 20_000, maxBytes: 10, route: 'direct' }), {
    name: 'HttpError',
    code: 'unreachable',
  })
})
