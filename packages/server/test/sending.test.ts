import { once } from 'node:events'
import {
  type ClientHttp2Session,
  connect as connectHttp2,
  constants,
  type ServerHttp2Session,
} from 'node:http2'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { buildServer, readTlsFiles, type TlsIdentity } from '../src/index.ts'
import { makeCertificate } from './support/make-certificate.ts'

type Test = { teardown(action: () => unknown): unknown }

/** More than kernels keep for a reader that does not read. */
const large = Buffer.alloc(32_000_000, 'a')

async function serve(t: Test, tls?: TlsIdentity) {
  const made: string[] = []
  const sockets: Socket[] = []
  let sweep: (() => void) | undefined
  const app = buildServer({
    name: 'test',
    logger: false,
    ...(tls && { tls }),
    sending: {
      totalBytes: 2 * large.length,
      senderOf: ({ headers }) => String(headers['x-sender'] ?? 'a'),
      repeat: (run) => {
        sweep = run
        return () => {
          sweep = undefined
        }
      },
    },
  })
  app.get('/large', async (_request, reply) => {
    made.push('large')
    return reply.headers({ 'cache-control': 'immutable', 'content-encoding': 'none' }).send(large)
  })
  app.get('/text', async () => 'é'.repeat(100_000))
  app.get('/dear/:size', { config: { isLarge: ({ url }) => url.endsWith('large') } }, async () => {
    made.push('dear')
    return 'dear'
  })
  app.post('/', async (_request, reply) => reply.code(201).send(large))
  app.server.on('connection', (socket: Socket) => sockets.push(socket))
  await app.listen({ host: '127.0.0.1', port: 0 })
  t.teardown(() => app.close())
  const { port } = app.server.address() as AddressInfo
  return { app, port, url: `http://127.0.0.1:${port}`, made, sockets, sweep: () => sweep }
}

/** Asks, and reads nothing until it is told to. */
async function ask(t: Test, port: number, requests: string): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port })
  t.teardown(() => socket.destroy())
  socket.on('error', () => {})
  await once(socket, 'connect')
  socket.write(requests)
  return socket
}

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(5)
}

t.test('a connection whose reader takes nothing is ended', { timeout: 120_000 }, async (t) => {
  const { port, made, sweep, sockets } = await serve(t)
  for (const requests of [get('/large'), get('/large').repeat(3)]) {
    await ask(t, port, requests)
    await until(() => (sockets.at(-1)?.writableLength ?? 0) > 0)
    while (sockets.at(-1)?.destroyed !== true) {
      sweep()?.()
      await turn()
    }
  }
  t.equal(made.length, 2, 'what waits behind an answer is not made')
})

t.test('a slow reader and one that asks for nothing stay', { timeout: 120_000 }, async (t) => {
  const { port, sweep, sockets } = await serve(t)
  const idle = await ask(t, port, get('/dear/small'))
  await once(idle.resume(), 'data')
  const reader = await ask(t, port, get('/large'))
  await until(() => sockets.length === 2 && (sockets[1]?.writableLength ?? 0) > 0)
  let received = 0
  let sweeps = 0
  let written = 0
  reader.on('data', (bytes: Buffer) => {
    received += bytes.length
    if (received > large.length) {
      received = 0
      reader.write(get('/large'))
    }
    // Each sweep finds it one step further.
    const now = sockets[1]?.bytesWritten ?? 0
    if (now === written) return
    written = now
    sweep()?.()
    sweeps++
  })
  await until(() => sweeps > 20 || reader.closed)
  t.equal(reader.readyState, 'open')
  t.equal(idle.readyState, 'open')
})

t.test('large answers that are not read are bounded for each reader', { timeout: 120_000 }, async (t) => {
  const { port, url, made } = await serve(t)
  const answer = (path: string, sender: string, method = 'GET') =>
    fetch(`${url}${path}`, { method, headers: { 'x-sender': sender } })
  const stalled = await ask(t, port, get('/large'))
  await until(() => made.length === 1)
  const refused = await answer('/large', 'a')
  t.equal(refused.status, 503)
  t.equal(refused.headers.get('retry-after'), '1')
  t.equal(refused.headers.get('cache-control'), null, 'what the answer would have said of itself')
  t.equal(refused.headers.get('content-encoding'), null)
  t.match(await refused.json(), { status: 503, detail: /not read/ })

  t.equal((await answer('/dear/large', 'a')).status, 503)
  t.notOk(made.includes('dear'), 'refused before it was made')
  t.equal(await (await answer('/dear/small', 'a')).text(), 'dear')
  const created = await answer('/', 'a', 'POST')
  t.equal(created.status, 201, 'what was made is told')
  t.equal((await created.arrayBuffer()).byteLength, large.length)
  const other = await answer('/large', 'b')
  t.equal(other.headers.get('content-length'), String(large.length))
  t.ok(Buffer.from(await other.arrayBuffer()).equals(large), 'somebody else has an own half')

  const second = await ask(t, port, get('/large').replace('Host', 'X-Sender: b\r\nHost'))
  await until(() => made.filter((what) => what === 'large').length === 4)
  t.equal((await answer('/large', 'c')).status, 503, 'two halves are everything')
  stalled.destroy()
  second.destroy()
  for (const what of ['what is gone is given back', 'and so is what was read']) {
    let status = 503
    while (status === 503) {
      const again = await answer('/large', 'a')
      status = again.status
      await again.arrayBuffer()
    }
    t.equal(status, 200, what)
  }
})

t.test('an answer is made when the one before it was taken, and finds its bytes given back', async (t) => {
  const { port, made } = await serve(t)
  const requests = get('/large').repeat(2) + get('/text').replace('Host', 'Connection: close\r\nHost')
  const socket = await ask(t, port, requests)
  await until(() => made.length === 1)
  let received = ''
  socket.setEncoding('latin1').on('data', (text: string) => {
    received += text.replaceAll('a', '')
  })
  await once(socket, 'end')
  t.equal(made.length, 2)
  t.strictSame(received.match(/HTTP\/1.1 \d+/g), ['HTTP/1.1 200', 'HTTP/1.1 200', 'HTTP/1.1 200'])
})

t.test('a text is as long as its bytes, and HEAD is told its length', async (t) => {
  const { url } = await serve(t)
  const text = await fetch(`${url}/text`)
  t.equal(text.headers.get('content-length'), '200000')
  t.equal(await text.text(), 'é'.repeat(100_000))
  const head = await fetch(`${url}/text`, { method: 'HEAD' })
  t.equal(head.headers.get('content-length'), '200000')
})

t.test(
  'streams of HTTP/2 are ended one by one, and a session with its last',
  { timeout: 120_000 },
  async (t) => {
    const { port, made, sweep } = await serve(t, await readTlsFiles(makeCertificate(t.testdir(), 'a')))
    const open = async (settings = {}): Promise<ClientHttp2Session> => {
      const session = connectHttp2(`https://127.0.0.1:${port}`, { rejectUnauthorized: false, settings })
      t.teardown(() => session.destroy())
      session.on('error', () => {})
      await once(session, 'remoteSettings')
      return session
    }
    const session = await open()
    const stalled = session.request({ ':path': '/large' }).on('error', () => {})
    await once(stalled, 'response')
    const refused = session.request({ ':path': '/large' })
    t.match((await once(refused, 'response'))[0], { ':status': 503 }, 'streams count as connections do')
    refused.resume()
    const moving = session.request({ ':path': '/large', 'x-sender': 'b' })
    let received = 0
    let swept = 0
    moving.on('data', (bytes: Buffer) => {
      received += bytes.length
      if (received - swept < 1_000_000) return
      swept = received
      sweep()?.()
    })
    await once(moving, 'end')
    t.equal(received, large.length)
    if (!stalled.closed) await once(stalled, 'close')
    t.equal(stalled.rstCode, constants.NGHTTP2_CANCEL)
    t.notOk(session.closed)

    const unended = session.request({ ':path': '/large', 'x-sender': 'c' }, { endStream: false })
    unended.on('error', () => {}).resume()
    await once(unended, 'end')
    const next = session.request({ ':path': '/large', 'x-sender': 'c' })
    t.match((await once(next, 'response'))[0], { ':status': 200 }, 'what was read counts no more')
    next.close()
    const windowless = await open({ initialWindowSize: 0 })
    const streams = ['/large', '/dear/small'].map((path) => windowless.request({ ':path': path }))
    for (const stream of streams) stream.on('error', () => {})
    await Promise.all(streams.map((stream) => once(stream, 'response')))
    t.equal(made.length, 7)
    while (!windowless.destroyed) {
      sweep()?.()
      await turn()
    }
  },
)

t.test('sweeping ends with the server', async (t) => {
  const { app, sweep } = await serve(t)
  t.type(sweep(), 'function')
  await app.close()
  t.equal(sweep(), undefined)
})

t.test('a session of HTTP/2 that was silent for long is ended with its streams', async (t) => {
  const { app, port } = await serve(t, await readTlsFiles(makeCertificate(t.testdir(), 'a')))
  const opened = once(app.server, 'session')
  const connected = once(app.server, 'secureConnection')
  const session = connectHttp2(`https://127.0.0.1:${port}`, { rejectUnauthorized: false })
  t.teardown(() => session.destroy())
  session.on('error', () => {})
  const upload = session.request({ ':path': '/', ':method': 'POST' }).on('error', () => {})
  const closed = once(session, 'close')
  upload.write('not all of it')
  const [theirs] = (await opened) as [ServerHttp2Session]
  await once(theirs, 'stream')
  const [socket] = (await connected) as [Socket]
  theirs.emit('timeout')
  t.ok(socket.destroyed, 'also where the client would leave it half open')
  await closed
  t.ok(theirs.destroyed)
})
