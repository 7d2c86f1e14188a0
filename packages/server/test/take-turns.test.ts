import { type AddressInfo, connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { Registry } from 'prom-client'
import t, { type Test } from 'tap'
import { freePorts } from '../src/free-ports.ts'
import {
  buildServer,
  createPreparedAnswers,
  listen,
  listenMetrics,
  readTlsFiles,
  type ServerOptions,
} from '../src/index.ts'
import { exposition } from '../src/metrics.ts'
import { makeCertificate } from './support/make-certificate.ts'

/** A server whose answers at `/held/` wait for the test, and which requests it has begun. */
async function holder(t: Test, options: Partial<ServerOptions> = {}) {
  const app = buildServer({ name: 'test', logger: false, ...options })
  const begun: string[] = []
  const answers: (() => void)[] = []
  let toldBegun = () => {}
  app.get<{ Params: { name: string } }>('/held/:name', async ({ params }) => {
    begun.push(params.name)
    toldBegun()
    await new Promise<void>((resolve) => answers.push(resolve))
    return `<${params.name}>`
  })
  app.get<{ Params: { name: string } }>('/quick/:name', async ({ params }) => {
    begun.push(params.name)
    toldBegun()
    return `<${params.name}>`
  })
  app.get('/last', async (_request, reply) => reply.header('connection', 'close').send('<last>'))
  app.post<{ Body: unknown }>('/', async ({ body }) => ({ body }))
  t.teardown(() => app.close())
  return {
    app,
    begun,
    /** Resolves once so many have begun. */
    hasBegun: async (count: number) => {
      while (begun.length < count)
        await new Promise<void>((resolve) => {
          toldBegun = resolve
        })
    },
    answerNext: () => answers.shift()?.(),
    listen: async () => {
      await app.listen({ host: '127.0.0.1', port: 0 })
      return (app.server.address() as AddressInfo).port
    },
  }
}

const get = (path: string, more = '') => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${more}\r\n`
const numbers = (count: number) => Array.from({ length: count }, (_, index) => String(index))
const manyGets = (path: string, count: number) =>
  numbers(count)
    .map((name) => get(`${path}/${name}`))
    .join('')

/** A connection, and what it has received so far. */
function talk(t: Test, socket: Socket) {
  let received = ''
  const ended = new Promise((resolve) => socket.once('close', resolve))
  t.teardown(() => socket.destroy())
  socket
    .on('error', () => {})
    .on('data', (chunk) => {
      received += chunk
    })
  return {
    socket,
    write: (text: string) => socket.write(text, 'latin1'),
    received: () => received,
    until: async (pattern: RegExp) => {
      while (!pattern.test(received)) {
        if (socket.closed)
          throw new Error(`the connection has ended with ${JSON.stringify(received.slice(-200))}`)
        await Promise.race([new Promise((resolve) => socket.once('data', resolve)), ended])
      }
    },
    closed: () => ended,
  }
}
const dial = (t: Test, port: number) => talk(t, connect({ host: '127.0.0.1', port }))
const told = (text: string) => [...text.matchAll(/<(\w+)>/g)].map(([, name]) => name)

t.test('requests of a connection are handled one after the other, each with its own answer', async (t) => {
  const { begun, hasBegun, answerNext, listen } = await holder(t)
  const port = await listen()
  const line = dial(t, port)
  line.write(get('/held/a') + get('/held/b') + get('/quick/c'))
  await hasBegun(1)
  // Node has read all three at once; another connection is served meanwhile.
  const other = dial(t, port)
  other.write(get('/quick/other'))
  await other.until(/<other>/)
  t.strictSame(begun, ['a', 'other'])
  answerNext()
  await hasBegun(3)
  t.strictSame(begun, ['a', 'other', 'b'])
  answerNext()
  await line.until(/<c>/)
  t.strictSame(told(line.received()), ['a', 'b', 'c'])
  line.write(get('/quick/d'))
  await line.until(/<d>/)
})

t.test('sixty-four may wait on a connection, and one more ends it', async (t) => {
  const { begun, hasBegun, answerNext, listen } = await holder(t)
  const port = await listen()
  const line = dial(t, port)
  line.write(get('/held/first') + manyGets('/quick', 64))
  await hasBegun(1)
  answerNext()
  await line.until(/<63>/)
  t.strictSame(told(line.received()), ['first', ...numbers(64)])

  const greedy = dial(t, port)
  greedy.write(get('/held/greedy') + manyGets('/quick', 1_500))
  await greedy.closed()
  t.equal(greedy.received(), '')
  t.strictSame(begun.slice(65), ['greedy'], 'none that waited was begun')
})

t.test('what waits on a connection that has ended is given up', async (t) => {
  const { begun, hasBegun, answerNext, app, listen } = await holder(t)
  const port = await listen()
  const ended: Promise<unknown>[] = []
  app.server.on('connection', (socket: Socket) =>
    ended.push(new Promise((resolve) => socket.once('close', resolve))),
  )
  const line = dial(t, port)
  line.write(get('/held/a') + get('/quick/b'))
  await hasBegun(1)
  line.socket.destroy()
  await ended[0]
  answerNext()

  const last = dial(t, port)
  last.write(get('/last') + get('/quick/d'))
  await last.closed()
  t.match(last.received(), '<last>')
  t.strictSame(begun, ['a'])
})

t.test('bodies that wait for their turn come whole, also one that asks first', async (t) => {
  const { hasBegun, answerNext, listen } = await holder(t)
  const line = dial(t, await listen())
  const post = (size: number, more = '') =>
    `POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${size + 2}\r\n${more}\r\n`
  // More than a stream buffers: the connection is not read any further until it is its turn.
  line.write(
    `${get('/held/a') + post(300_000)}"${'x'.repeat(300_000)}"${post(3, 'Expect: 100-continue\r\n')}`,
  )
  await hasBegun(1)
  answerNext()
  await line.until(/HTTP\/1.1 100 Continue/)
  line.write('"yes"')
  await line.until(/"yes"/)
  t.match(line.received(), `{"body":"${'x'.repeat(300_000)}"}`)
})

t.test('what is no request, or is answered by Node, ends or answers as before', async (t) => {
  const { listen } = await holder(t)
  const port = await listen()
  const expecting = dial(t, port)
  expecting.write(get('/quick/a') + get('/quick/b', 'Expect: tea\r\n') + get('/quick/c'))
  await expecting.until(/<c>/)
  t.match(expecting.received(), /<a>[^]*HTTP\/1.1 417 [^]*<c>/)
  const upgrading = dial(t, port)
  upgrading.write(get('/quick/d', 'Connection: Upgrade\r\nUpgrade: websocket\r\n'))
  await upgrading.until(/<d>/)
  const tunnelling = dial(t, port)
  tunnelling.write(`CONNECT localhost:443 HTTP/1.1\r\nHost: localhost:443\r\n\r\n`)
  await tunnelling.closed()
})

const doors: Record<string, (t: Test) => Promise<{ begun: readonly string[]; socket: Socket }>> = {
  'the inside door': async (t) => {
    const { app, begun } = await holder(t)
    const [port = 0] = await freePorts(1)
    const inside = { host: '127.0.0.1', port }
    await listen(app, { host: '127.0.0.1', port: 0, portVariable: 'PORT', inside })
    return { begun, socket: connect(inside) }
  },
  'HTTP/1 over TLS': async (t) => {
    const tls = await readTlsFiles(makeCertificate(t.testdir(), 'test'))
    const { begun, listen } = await holder(t, { tls })
    const port = await listen()
    const ALPNProtocols = ['http/1.1']
    return {
      begun,
      socket: connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false, ALPNProtocols }),
    }
  },
  'connections that prepared answers hand over': async (t) => {
    const { begun, listen } = await holder(t, { prepared: createPreparedAnswers(1_000) })
    return { begun, socket: connect({ host: '127.0.0.1', port: await listen() }) }
  },
}

for (const [name, open] of Object.entries(doors))
  t.test(`the bound holds for ${name}`, async (t) => {
    const { begun, socket } = await open(t)
    const line = talk(t, socket)
    line.write(get('/held/a') + manyGets('/held', 1_000))
    await line.closed()
    t.strictSame(begun, ['a'])
  })

t.test(
  'metrics of a listener of their own: bounded too, and rendered once for all who ask together',
  async (t) => {
    const registry = new Registry()
    const rendering = Promise.withResolvers<string>()
    const asked = Promise.withResolvers<void>()
    let renderings = 0
    registry.metrics = () => {
      renderings++
      asked.resolve()
      return rendering.promise
    }
    const { port, stop } = await listenMetrics(registry, { host: '127.0.0.1', port: 0 })
    t.teardown(stop)
    const first = dial(t, port)
    first.write(get('/metrics'))
    await asked.promise
    const greedy = dial(t, port)
    greedy.write(get('/metrics').repeat(1_000))
    await greedy.closed()
    const disguised = dial(t, port)
    const asHttp2 = get('/metrics', 'Connection: keep-alive\r\n').replace('HTTP/1.1', 'HTTP/2.0')
    disguised.write(asHttp2.repeat(1_000))
    await disguised.closed()
    t.equal(disguised.received(), '', 'HTTP/1 that calls itself HTTP/2.0 is bounded too')
    const other = exposition(registry)
    rendering.resolve('metric 1\n')
    t.equal(await other, 'metric 1\n')
    await first.until(/metric 1/)
    t.equal(renderings, 1)
    t.equal(await exposition(registry), 'metric 1\n')
    t.equal(renderings, 2, 'who asks later sees what is then')
  },
)
