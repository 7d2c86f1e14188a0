import { createServer, request as httpRequest } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import t from 'tap'
import {
  allowAnyOrigin,
  boundReceiving,
  buildServer,
  createLogger,
  createRegistry,
  listen,
  listenMetrics,
  readSecret,
  type ServerOptions,
} from '../src/index.ts'

function frame(t: { teardown(action: () => Promise<void>): unknown }, options: Partial<ServerOptions> = {}) {
  const app = buildServer({ name: 'test', logger: false, ...options })
  t.teardown(() => app.close())
  return app
}

t.test('health is answered at once and readiness tells what is missing', async (t) => {
  const app = frame(t, { readiness: async () => ({ ready: false, checks: { database: 'unreachable' } }) })
  t.strictSame((await app.inject('/healthz')).json(), { status: 'ok' })
  const unready = await app.inject('/readyz')
  t.equal(unready.statusCode, 503)
  t.strictSame(unready.json(), { status: 'not ready', checks: { database: 'unreachable' } })
  const broken = frame(t, { readiness: () => Promise.reject(new Error('password=hunter2')), healthz: false })
  const failed = await broken.inject('/readyz')
  t.equal(failed.statusCode, 503)
  t.notMatch(failed.body, 'hunter2')
  t.equal((await broken.inject('/healthz')).statusCode, 404, 'a dialect may answer /healthz itself')
  t.equal((await frame(t).inject('/readyz')).statusCode, 200)
})

t.test('a sane request id is kept, any other is replaced', async (t) => {
  const app = frame(t)
  const idFor = async (given?: string) => {
    const headers = given === undefined ? {} : { 'x-request-id': given }
    return (await app.inject({ url: '/healthz', headers })).headers['x-request-id']
  }
  t.equal(await idFor('a1:b/c=.d_e-f'), 'a1:b/c=.d_e-f')
  for (const bad of ['', 'two words', 'x'.repeat(129), '"quoted"', undefined]) {
    t.match(await idFor(bad), /^[\w-]{8}-[0-9a-z]+$/)
  }
  t.not(await idFor(), await idFor())
})

t.test('a request that its sender ends in the middle is the fault of the sender', async (t) => {
  const told = Promise.withResolvers<unknown>()
  const app = frame(t, {
    errorHandler: (error, _request, reply) => {
      told.resolve(error)
      return reply.code(400).send('')
    },
  })
  const reading = Promise.withResolvers<void>()
  app.addHook('preParsing', (_request, _reply, payload, done) => {
    payload.once('data', () => reading.resolve())
    done(null, payload)
  })
  app.post('/', async () => 'posted')
  const { port } = await listen(app, { host: '127.0.0.1', port: 0, portVariable: 'PORT' })
  const socket = connect({ host: '127.0.0.1', port })
  socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{')
  await reading.promise
  socket.resetAndDestroy()
  t.match(await told.promise, { statusCode: 400, message: /the sender ended/ })
})

t.test('whose request it is is known when its connection is gone', async (t) => {
  const app = frame(t)
  const begun = Promise.withResolvers<void>()
  const address = Promise.withResolvers<string>()
  app.get('/', async (request) => {
    request.raw.socket.once('close', () => address.resolve(request.ip))
    begun.resolve()
    return address.promise
  })
  const { port } = await listen(app, { host: '127.0.0.1', port: 0, portVariable: 'PORT' })
  const socket = connect({ host: '127.0.0.1', port })
  socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
  await begun.promise
  socket.resetAndDestroy()
  t.equal(await address.promise, '127.0.0.1')
})

t.test('a request that names its host twice is refused', async (t) => {
  const app = frame(t)
  const { port } = await listen(app, { host: '127.0.0.1', port: 0, portVariable: 'PORT' })
  const statusOf = (hosts: string) =>
    new Promise((resolve) => {
      const socket = connect({ host: '127.0.0.1', port })
      socket.write(`GET /healthz HTTP/1.1\r\n${hosts}Connection: close\r\n\r\n`)
      socket.setEncoding('utf8').once('data', (text: string) => resolve(text.slice(9, 12)))
    })
  t.equal(await statusOf('Host: a\r\n'), '200')
  t.equal(await statusOf('Host: a\r\nhost: b\r\n'), '400')
})

t.test('failures are problem details, ours without detail', async (t) => {
  const lines: string[] = []
  const logger = createLogger({ name: 'test', destination: { write: (line) => void lines.push(line) } })
  const app = frame(t, { logger, bodyLimitBytes: 100 })
  app.get('/refuse', async () => {
    throw Object.assign(new Error('the size is odd'), { statusCode: 409 })
  })
  app.get('/fail', async () => {
    throw new Error('the password is hunter2')
  })
  const schema = {
    body: {
      type: 'object',
      properties: { name: { type: 'string' } },
      required: ['name'],
      additionalProperties: false,
    },
  }
  app.post('/thing', { schema }, async ({ body }) => body)

  const refused = await app.inject('/refuse?code=s3cret')
  t.equal(refused.headers['content-type'], 'application/problem+json; charset=utf-8')
  t.strictSame(refused.json(), {
    type: 'about:blank',
    title: 'Conflict',
    status: 409,
    detail: 'the size is odd',
  })
  const failed = await app.inject('/fail')
  t.strictSame(failed.json(), { type: 'about:blank', title: 'Internal Server Error', status: 500 })
  t.match((await app.inject('/nothing')).json(), { status: 404, title: 'Not Found' })
  t.match((await app.inject('/%zz')).json(), { status: 400, title: 'Bad Request' }, 'a path that is no path')

  const post = (payload: string, type = 'application/json') =>
    app.inject({ method: 'POST', url: '/thing', payload, headers: { 'content-type': type } })
  t.equal((await post('{"name":"a"}')).statusCode, 200)
  t.equal((await post('{"name":1}')).statusCode, 400, 'a number is not made a string')
  t.equal((await post('{"name":"a","more":1}')).statusCode, 400, 'nothing is removed')
  t.equal((await post('{"name":')).statusCode, 400)
  t.equal((await post(`{"name":"${'a'.repeat(100)}"}`)).statusCode, 413)
  t.equal((await post('a', 'text/csv')).statusCode, 415)

  const records = lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  t.match(records[0], {
    level: 'info',
    name: 'test',
    req: { method: 'GET', path: '/refuse' },
    reason: 'the size is odd',
    reqId: String,
  })
  t.match(records[1], { level: 'error', err: { message: 'the password is hunter2', stack: String } })
  t.notMatch(lines.join(''), 's3cret', 'queries are not logged')
})

t.test('answers are recorded at info when asked for, else at debug', async (t) => {
  const record = async (accessLog: boolean, level: 'info' | 'debug') => {
    const lines: string[] = []
    const logger = createLogger({ name: 'x', level, destination: { write: (line) => void lines.push(line) } })
    const app = frame(t, { logger, accessLog })
    app.get('/a', async () => 'a')
    await app.inject('/a?token=abc')
    await app.inject('/healthz')
    return lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  }
  t.match(await record(true, 'info'), [{ level: 'info', method: 'GET', path: '/a', status: 200, ms: Number }])
  t.strictSame(await record(false, 'info'), [])
  t.match(await record(false, 'debug'), [{ level: 'debug', path: '/a' }])
})

t.test('requests are counted by route pattern, and a scanner adds no label', async (t) => {
  const metrics = createRegistry({ processMetrics: false })
  const app = frame(t, { metrics })
  app.get('/entry/:id', async () => 'ok')
  for (const url of ['/entry/1', '/entry/2', '/wp-admin', '/.env']) await app.inject(url)
  const { body, headers } = await app.inject('/metrics')
  t.match(headers['content-type'], 'text/plain')
  t.match(body, 'http_requests_total{code="200",method="GET",route="/entry/:id"} 2')
  t.match(body, 'http_requests_total{code="404",method="GET",route="unmatched"} 2')
  t.match(body, 'http_request_duration_seconds_count{method="GET",route="/entry/:id"} 2')
  t.notMatch(body, 'wp-admin')

  const apart = await listenMetrics(metrics, { host: '127.0.0.1', port: 0 })
  t.teardown(() => apart.stop())
  t.match(await (await fetch(`${apart.url}/metrics`)).text(), 'http_requests_total')
  t.equal((await fetch(`${apart.url}/`)).status, 404)
})

t.test('the dialect decides how a path is read and how a failure is told', async (t) => {
  const app = frame(t, {
    rewriteUrl: ({ url = '/' }) => url.replace(/\/{2,}/g, '/').replace(/(.)\/$/, '$1'),
    routerOptions: { maxParamLength: 5_000 },
    errorHandler: (_error, _request, reply) => reply.code(418).send({ code: 418 }),
    notFoundHandler: (_request, reply) => reply.code(404).send({ code: 404 }),
  })
  app.get('/api/:uuid', async ({ params }) => params)
  app.get('/fail', async () => {
    throw new Error('x')
  })
  const uuid = 'a'.repeat(1_000)
  t.strictSame((await app.inject(`//api//${uuid}/`)).json(), { uuid })
  t.strictSame((await app.inject('/fail')).json(), { code: 418 })
  t.strictSame((await app.inject('/%zz')).json(), { code: 418 }, 'a path that is no path')
  t.strictSame((await app.inject('/no')).json(), { code: 404 })
})

t.test('pages of any origin may read what allows it', async (t) => {
  const app = frame(t)
  allowAnyOrigin(app, { methods: ['GET', 'POST'], headers: ['Content-Type'] })
  app.get('/a', async () => 'a')
  for (const url of ['/a', '/nothing']) {
    t.match((await app.inject(url)).headers, { 'access-control-allow-origin': '*', vary: 'Origin' }, url)
  }
  const preflight = await app.inject({
    method: 'OPTIONS',
    url: '/a',
    headers: { origin: 'https://example.org', 'access-control-request-method': 'POST' },
  })
  t.equal(preflight.statusCode, 204)
  t.match(preflight.headers, {
    'access-control-allow-origin': '*',
    'access-control-allow-methods': 'GET, POST',
    'access-control-allow-headers': 'Content-Type',
    vary: 'Origin',
  })
  t.equal((await app.inject({ method: 'OPTIONS', url: '/a' })).statusCode, 404, 'not a preflight')
  t.equal((await frame(t).inject('/healthz')).headers['access-control-allow-origin'], undefined)
})

t.test('a server listens where it is told and names the variable of a taken port', async (t) => {
  const app = frame(t)
  const { url, port } = await listen(app, { host: '127.0.0.1', port: 0, portVariable: 'LOG_PORT' })
  t.equal(url, `http://127.0.0.1:${port}`)
  t.equal((await fetch(`${url}/healthz`)).status, 200)

  const other = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => other.once('listening', resolve))
  t.teardown(() => new Promise<void>((resolve) => other.close(() => resolve())))
  const taken = (other.address() as AddressInfo).port
  const expected = {
    name: 'ServerError',
    code: 'port_taken',
    message: `port ${taken} on 127.0.0.1 is taken by another program; set LOG_PORT to another port`,
  }
  await t.rejects(listen(frame(t), { host: '127.0.0.1', port: taken, portVariable: 'LOG_PORT' }), expected)
  await t.rejects(
    listenMetrics(createRegistry(), { host: '127.0.0.1', port: taken, portVariable: 'LOG_PORT' }),
    expected,
  )
  await t.rejects(listen(frame(t), { host: '192.0.2.1', port: 0, portVariable: 'LOG_PORT' }), {
    code: 'address_unavailable',
  })
})

t.test('a byte order mark is no part of a secret, and UTF-16 behind one is read', async (t) => {
  const folder = t.testdir({
    marked: '\ufefffrom a file\n',
    windows: Buffer.from('\ufefffrom a file\r\n', 'utf16le'),
    binary: Buffer.from([0xc3, 0x28]),
  })
  for (const name of ['marked', 'windows'])
    t.equal(readSecret({ KEY_FILE: `${folder}/${name}` }, 'KEY'), 'from a file', name)
  t.throws(() => readSecret({ KEY_FILE: `${folder}/binary` }, 'KEY'), {
    code: 'secret_unreadable',
    message: /no text/,
  })
})

t.test('a secret comes from its variable or its file', async (t) => {
  const folder = t.testdir({ key: 'from a file\n', empty: '\n', large: 'x'.repeat(70_000) })
  t.equal(readSecret({ KEY: 'plain' }, 'KEY'), 'plain')
  t.equal(readSecret({ KEY_FILE: `${folder}/key` }, 'KEY'), 'from a file')
  t.equal(readSecret({}, 'KEY'), undefined)
  t.equal(readSecret({ KEY: '' }, 'KEY'), undefined)
  for (const environment of [
    { KEY: 'a', KEY_FILE: `${folder}/key` },
    { KEY_FILE: `${folder}/none` },
    { KEY_FILE: `${folder}/empty` },
    { KEY_FILE: `${folder}/large` },
  ]) {
    t.throws(() => readSecret(environment, 'KEY'), { name: 'ServerError', code: 'secret_unreadable' })
  }
})

t.test('a body that is nested deeper than anything is read is refused', async (t) => {
  const app = frame(t)
  app.post('/', async ({ body }) => ({ read: JSON.stringify(body).length }))
  const answer = (depth: number) =>
    app.inject({
      method: 'POST',
      url: '/',
      headers: { 'content-type': 'application/json' },
      payload: `{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`,
    })
  t.equal((await answer(50)).statusCode, 200)
  for (const depth of [200, 200_000]) t.equal((await answer(depth)).statusCode, 400)
})

t.test('bodies on their way hold a bounded number of bytes, and give them back', async (t) => {
  const app = frame(t)
  boundReceiving(app, { totalBytes: 400_000, senderOf: ({ headers }) => String(headers['x-sender']) })
  app.post('/', async () => ({}))
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  const body = JSON.stringify('x'.repeat(149_998))
  const headers = (sender: string) => ({ 'content-type': 'application/json', 'x-sender': sender })
  const post = async (sender: string) =>
    (await fetch(url, { method: 'POST', headers: headers(sender), body })).status
  t.equal(await post('a'), 200)
  const begun = httpRequest(url, { method: 'POST', headers: { ...headers('a'), 'content-length': 150_000 } })
  begun.on('error', () => {})
  begun.write(body.slice(0, 140_000))
  let status = 200
  while (status === 200) status = await post('a')
  t.equal(status, 429, 'beside what was begun')
  t.equal(await post('b'), 200, 'of somebody else')
  begun.destroy()
  while (status === 429) status = await post('a')
  t.equal(status, 200)
})
