import { type AddressInfo, connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import t, { type Test } from 'tap'
import { freePorts } from '../src/free-ports.ts'
import { buildServer, listen, readTlsFiles, type ServerOptions } from '../src/index.ts'
import { makeCertificate } from './support/make-certificate.ts'

/** A dialect whose every answer is its own; what begins with `/held` is answered when the test says so. */
function dialect(t: Test, options: Partial<ServerOptions> = {}) {
  const app = buildServer({
    name: 'test',
    logger: false,
    errorHandler: (_error, _request, reply) => reply.code(400).send('dialect: refused'),
    notFoundHandler: (_request, reply) => reply.code(404).send('dialect: not found'),
    ...options,
  })
  const begun: string[] = []
  const answers: (() => void)[] = []
  const asked = Promise.withResolvers<void>()
  app.get('/', async () => 'answered')
  app.get('/held/:name', async ({ url }) => {
    begun.push(url)
    asked.resolve()
    await new Promise<void>((resolve) => answers.push(resolve))
    return `answer of ${url}`
  })
  app.post('/', async (request) => `posted ${JSON.stringify(request.body)}`)
  t.teardown(() => app.close())
  return { app, begun, asked: asked.promise, answer: () => answers.shift()?.() }
}

/** All that comes until the connection ends. */
async function said(socket: Socket, text?: string): Promise<string> {
  let received = ''
  socket.on('error', () => {}).on('data', (chunk) => (received += chunk))
  if (text !== undefined) socket.write(text, 'latin1')
  await new Promise((resolve) => socket.once('close', resolve))
  return received
}

const get = (path = '/', more = 'Host: x\r\n', version = '1.1') =>
  `GET ${path} HTTP/${version}\r\n${more}\r\n`

const line = (status: number, title: string) =>
  new RegExp(
    `^HTTP/1.1 ${status} [^]*content-type: text/plain; charset=utf-8\\r\\n[^]*\\r\\n\\r\\n${title}$`,
    'i',
  )

const none: readonly [name: string, text: string, answer: RegExp][] = [
  ['no line of a request', 'GARBAGE\r\n\r\n', line(400, '400 Bad Request')],
  ['a method that nobody knows', get().replace('GET', 'FOO'), line(400, '400 Bad Request')],
  [
    'a length and chunks',
    get('/', 'Host: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n'),
    line(400, '400 Bad Request'),
  ],
  [
    'a head that is too long',
    get(`/${'a'.repeat(20_000)}`),
    line(431, '431 Request Header Fields Too Large'),
  ],
  ['no host', get('/', ''), line(400, '400 Bad Request: missing required Host header')],
  ['two hosts', get('/', 'Host: x\r\nhost: y\r\n'), line(400, '400 Bad Request: too many Host headers')],
  ['a host that is none', get('/', 'Host: x y\r\n'), line(400, '400 Bad Request: malformed Host header')],
  [
    'a version of another protocol',
    get('/', 'Host: x\r\n', '2.0'),
    line(400, '400 Bad Request: unsupported protocol version'),
  ],
  [
    'a version from before there was a head',
    get('/', 'Host: x\r\n', '0.9'),
    line(400, '400 Bad Request: unsupported protocol version'),
  ],
]

const doors: Record<string, (t: Test) => Promise<() => Socket>> = {
  'plain HTTP': async (t) => {
    const { port } = await listen(dialect(t).app, { host: '127.0.0.1', port: 0, portVariable: 'PORT' })
    return () => connect({ host: '127.0.0.1', port })
  },
  'HTTP/1 over TLS': async (t) => {
    const tls = await readTlsFiles(makeCertificate(t.testdir(), 'test'))
    const { port } = await listen(dialect(t, { tls }).app, {
      host: '127.0.0.1',
      port: 0,
      portVariable: 'PORT',
    })
    return () =>
      connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] })
  },
}

for (const [name, open] of Object.entries(doors))
  t.test(`what is no request is told so in one line of text, over ${name}`, async (t) => {
    const dial = await open(t)
    for (const [what, text, answer] of none) t.match(await said(dial(), text), answer, what)
    const hosts = ['', 'Host: x\r\n', 'Host: [::1]:8080\r\n']
    t.match(await said(dial(), get('/', hosts[0], '1.0')), /answered$/, 'HTTP/1.0 needs no host')
    for (const host of hosts.slice(1))
      t.match(await said(dial(), get('/', `${host}Connection: close\r\n`)), /answered$/, host)
  })

t.test('the inside door says the same to what cannot be read', async (t) => {
  const [port = 0] = await freePorts(1)
  const inside = { host: '127.0.0.1', port }
  await listen(dialect(t).app, { host: '127.0.0.1', port: 0, portVariable: 'PORT', inside })
  t.match(await said(connect(inside), 'GARBAGE\r\n\r\n'), line(400, '400 Bad Request'))
})

t.test('of requests of HTTP/1 that call themselves HTTP/2.0 the first ends their connection', async (t) => {
  const { app, begun } = dialect(t)
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  const keptAlive = get('/held/a', 'Host: x\r\nConnection: keep-alive\r\n', '2.0')
  const answers = await said(connect({ host: '127.0.0.1', port }), keptAlive.repeat(1_000))
  t.equal(answers.split('HTTP/1.1 400 ').length - 1, 1)
  t.strictSame(begun, [])
})

t.test('what cannot be read is answered behind the answers to what came before it', async (t) => {
  const { app, asked, answer } = dialect(t)
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  const socket = connect({ host: '127.0.0.1', port })
  const seen = said(socket, `${get('/held/a')}${get()}GARBAGE\r\n\r\n`)
  await asked
  socket.write('MORE GARBAGE\r\n\r\n')
  answer()
  t.match(
    await seen,
    /^HTTP\/1.1 200 OK[^]*answer of \/held\/a[^]*answered[^]*HTTP\/1.1 400 [^]*400 Bad Request$/,
  )
})

t.test('a body that breaks off in the middle is the end of its request alone', async (t) => {
  const { app, asked, answer } = dialect(t)
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  const broken =
    'POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n1\r\nzz\r\n'
  t.match(await said(connect({ host: '127.0.0.1', port }), broken), line(400, '400 Bad Request'))
  const seen = said(connect({ host: '127.0.0.1', port }), get('/held/a') + broken)
  await asked
  answer()
  t.match(await seen, /answer of \/held\/a[^]*HTTP\/1.1 400 [^]*400 Bad Request$/)
})

t.test('a connection that ends while its answer is waited for is told nothing', async (t) => {
  const { app, asked, answer } = dialect(t)
  await app.listen({ host: '127.0.0.1', port: 0 })
  const ended = new Promise<Socket>((resolve) =>
    app.server.once('connection', (peer: Socket) => peer.once('close', () => resolve(peer))),
  )
  const socket = connect({ host: '127.0.0.1', port: (app.server.address() as AddressInfo).port })
  const seen = said(socket, `${get('/held/a')}GARBAGE\r\n\r\n`)
  await asked
  socket.destroy()
  answer()
  t.equal(await seen, '')
  t.equal((await ended).destroyed, true)
})

t.test('a request that comes too slowly is 408', async (t) => {
  const { app } = dialect(t, { requestTimeoutMs: 1 })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const socket = connect({ host: '127.0.0.1', port: (app.server.address() as AddressInfo).port })
  app.server.once('connection', (peer: Socket) =>
    app.server.emit('clientError', Object.assign(new Error(), { code: 'ERR_HTTP_REQUEST_TIMEOUT' }), peer),
  )
  t.match(await said(socket, 'GET / HTTP/1.1\r\n'), line(408, '408 Request Timeout'))
})

t.test('QUERY is a method that no path takes, whatever its body is', async (t) => {
  const { app } = dialect(t)
  const query = async (url: string, headers: Record<string, string> = {}) => {
    const { statusCode, body } = await app.inject({ method: 'QUERY' as 'GET', url, headers, payload: '{' })
    return `${statusCode} ${body}`
  }
  for (const headers of [{}, { 'content-type': 'application/json' }])
    t.equal(await query('/', headers), '404 dialect: not found')
})
