import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import { Registry } from 'prom-client'
import t, { type Test } from 'tap'
import { buildServer, createPreparedAnswers } from '../src/index.ts'

const limitBytes = 100_000

/** A server whose route keeps each answer, and how often the route was asked. */
async function keeper(t: Test, limit = limitBytes, siteOf?: (host: string) => string) {
  const registry = new Registry()
  const prepared = createPreparedAnswers(limit, siteOf)
  const state = { asked: 0, isStill: (): boolean | Promise<boolean | Uint8Array> => true }
  const app = buildServer({ name: 'keeper', logger: false, metrics: registry, prepared })
  app.get('/things/:name', async (request, reply) => {
    state.asked++
    const body = Buffer.from(`${(request.params as { name: string }).name} of ${state.asked}`.padEnd(50, '.'))
    reply.header('Cache-Control', 'max-age=60').header('Set-Cookie', ['a', 'b']).type('text/plain')
    prepared.keep(request, reply, body, () => state.isStill())
    return reply.send(body)
  })
  app.post('/things/:name', async () => 'posted')
  await app.listen({ host: '127.0.0.1', port: 0 })
  t.teardown(() => app.close())
  const { port } = app.server.address() as AddressInfo
  return { app, registry, state, port }
}

const get = (name: string, more = '', host = 'Host: localhost\r\n') =>
  `GET /things/${name} HTTP/1.1\r\n${host}${more}\r\n`

/** A connection; each answer that was sent whole, in its order. */
async function dial(t: Test, port: number) {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true })
  t.teardown(() => socket.destroy())
  await once(socket, 'connect')
  let received = ''
  const arrived = async (isEnough: () => boolean) => {
    while (!isEnough()) received += String((await once(socket, 'data'))[0])
  }
  return {
    socket,
    write: (text: string) => socket.write(text, 'latin1'),
    answer: async () => {
      await arrived(() => received.includes('\r\n\r\n'))
      const end = received.indexOf('\r\n\r\n') + 4
      const head = received.slice(0, end)
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0)
      await arrived(() => received.length >= end + length)
      const body = received.slice(end, end + length)
      received = received.slice(end + length)
      return { status: Number(head.slice(9, 12)), head, body, fields: head.split('\r\n').slice(1, -2).sort() }
    },
  }
}

const changing = /^(x-request-id|Date): /
const steady = (fields: readonly string[]) => fields.filter((field) => !changing.test(field))

t.test('of several sites each has answers of its own, by the host that is asked', async (t) => {
  const { state, port } = await keeper(t, limitBytes, (host) => (host === 'a.example.org' ? 'a' : 'other'))
  const line = await dial(t, port)
  const ask = async (host: string) => {
    line.write(get('x', '', `Host: ${host}\r\n`))
    return (await line.answer()).body.slice(0, 6)
  }
  t.equal(await ask('a.example.org'), 'x of 1')
  const line2 = await dial(t, port)
  const askAgain = async (host: string) => {
    line2.write(get('x', '', `Host: ${host}\r\n`))
    return (await line2.answer()).body.slice(0, 6)
  }
  t.equal(await askAgain('a.example.org'), 'x of 1', 'kept')
  t.equal(await askAgain('b.example.org'), 'x of 2', 'another site')
  const line3 = await dial(t, port)
  line3.write(get('x', '', 'Host: c.example.org\r\n'))
  t.match((await line3.answer()).body, /^x of 2/, 'the same by another name')
  t.equal(state.asked, 2)
})

t.test('who asks again is given the same answer without the route, and is counted', async (t) => {
  const { registry, state, port } = await keeper(t)
  const line = await dial(t, port)
  const ask = async () => {
    line.write(get('a'))
    return line.answer()
  }
  const first = await ask()
  t.match(first, { status: 200, body: /^a of 1\.+$/ })
  const other = await dial(t, port)
  other.write(get('a', 'User-Agent: x\r\nConnection: keep-alive\r\n'))
  const again = await other.answer()
  other.write(get('a', 'User-Agent: x\r\nConnection: keep-alive\r\n'))
  const third = await other.answer()
  t.equal(state.asked, 1)
  for (const { body, fields } of [again, third]) {
    t.equal(body, first.body)
    t.same(steady(fields), steady(first.fields))
    t.equal(fields.length, first.fields.length)
  }
  const ids = [first, again, third].map(({ fields }) =>
    fields.find((field) => field.startsWith('x-request-id')),
  )
  t.equal(new Set(ids).size, 3, 'each has an id of its own')
  const counted = await registry.metrics()
  t.match(counted, 'http_requests_total{method="GET",code="200",route="/things/:name"} 3')
  t.match(counted, 'http_request_duration_seconds_count{method="GET",route="/things/:name"} 3')
})

t.test(
  'every other request of a connection is read by the frame, whole, and so are those after it',
  async (t) => {
    const { state, port } = await keeper(t)
    const prime = await dial(t, port)
    prime.write(get('a'))
    await prime.answer()
    const cases: readonly (readonly [name: string, text: string, status: number])[] = [
      ['a body', 'POST /things/a HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n', 200],
      ['another method', 'HEAD /things/a HTTP/1.1\r\nHost: x\r\n\r\n', 200],
      ['an older version', 'GET /things/a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n', 200],
      ['a header of its own', get('a', 'X-Request-Id: mine\r\n'), 200],
      ['a body where there should be none', get('a', 'Content-Length: 1\r\n') + 'x', 200],
      ['two hosts', get('a', 'Host: other\r\n'), 400],
      ['no host', get('a', '', ''), 400],
      ['an empty host', get('a', '', 'Host:\r\n'), 200],
      ['a header that is none', get('a', 'Accept\r\n'), 400],
      ['a space in a name', get('a', 'Accept : x\r\n'), 400],
      ['another target', get('b'), 200],
      ['another type', get('a', 'Accept: text/html\r\n'), 200],
      ['no type', get('a', 'Accept: */*;q=0\r\n'), 200],
      ['two types', get('a', 'Accept: */*\r\nAccept: text/html\r\n'), 200],
    ]
    for (const [name, text, status] of cases) {
      const line = await dial(t, port)
      line.write(get('a'))
      t.match((await line.answer()).body, /^a of/, name)
      const before = state.asked
      line.write(text)
      const { status: answered } = await (text.startsWith('HEAD') ? headOf(line) : line.answer())
      t.equal(answered, status, name)
      t.ok(state.asked > before || status === 400 || text.startsWith('POST'), name)
      line.socket.destroy()
    }
    t.comment('several at once, and in parts')
    const line = await dial(t, port)
    line.write(get('a') + get('b') + get('a'))
    for (const body of [/^a of/, /^b of/, /^a of/]) t.match((await line.answer()).body, body)
    const slow = await dial(t, port)
    const text = get('a')
    slow.write(text.slice(0, 20))
    await new Promise(setImmediate)
    slow.write(text.slice(20))
    t.match((await slow.answer()).body, /^a of/)
  },
)

/** An answer to HEAD tells a length and has no body. */
async function headOf(line: Awaited<ReturnType<typeof dial>>) {
  const [chunk] = (await once(line.socket, 'data')) as [Buffer]
  return { status: Number(chunk.toString().slice(9, 12)) }
}

t.test('who asks for the type of the answer, or for any, is given it', async (t) => {
  const { state, port } = await keeper(t)
  for (const accept of ['', 'Accept: */*\r\n', 'Accept: text/plain\r\n']) {
    const line = await dial(t, port)
    line.write(get('a', accept))
    t.match((await line.answer()).body, /^a of 1/)
  }
  t.equal(state.asked, 1)
})

t.test('what does not hold any more is asked of the route again', async (t) => {
  const { state, port } = await keeper(t)
  const ask = async (isStill: () => boolean | Promise<boolean>) => {
    state.isStill = isStill
    const line = await dial(t, port)
    line.write(get('a'))
    const { body } = await line.answer()
    line.socket.destroy()
    return body.replace(/\.+$/, '')
  }
  t.equal(await ask(() => true), 'a of 1')
  t.equal(await ask(async () => true), 'a of 1')
  t.equal(await ask(() => false), 'a of 2')
  t.equal(await ask(async () => false), 'a of 3')
  t.equal(await ask(() => Promise.reject(new Error('no'))), 'a of 4')
  t.equal(await ask(() => true), 'a of 4')
})

t.test('a new body takes the place of the one before, and the connection stays', async (t) => {
  const { state, port } = await keeper(t)
  const line = await dial(t, port)
  const ask = async () => {
    line.write(get('a'))
    return line.answer()
  }
  const first = await ask()
  const other = await dial(t, port)
  const askThere = async () => {
    other.write(get('a'))
    return other.answer()
  }
  await askThere()
  state.isStill = async () => Buffer.from('a body of another length, from nobody knows where')
  const renewed = await askThere()
  t.equal(renewed.body, 'a body of another length, from nobody knows where')
  const withoutLength = (fields: readonly string[]) =>
    steady(fields).filter((field) => !/^content-length/i.test(field))
  t.same(withoutLength(renewed.fields), withoutLength(first.fields))
  state.isStill = () => true
  t.equal((await askThere()).body, renewed.body)
  t.equal(state.asked, 1)
})

t.test('what is kept is bounded, and the oldest go first', async (t) => {
  const { state, port } = await keeper(t, 3_000)
  const ask = async (name: string) => {
    const line = await dial(t, port)
    line.write(get(name))
    await line.answer()
    line.socket.destroy()
    return state.asked
  }
  for (const name of ['a', 'b', 'c']) await ask(name)
  t.equal(await ask('a'), 3)
  t.equal(await ask('d'), 4)
  t.equal(await ask('a'), 4, 'it was asked for a moment ago')
  t.equal(await ask('b'), 5)
  t.equal(await ask(`b?${'x'.repeat(1_900)}`), 6)
  t.equal(await ask('b'), 7, 'a long target takes the place of others')
})

t.test('a server that closes gives the answer that is waited for', { timeout: 30_000 }, async (t) => {
  const { app, state, port } = await keeper(t)
  const line = await dial(t, port)
  line.write(get('a'))
  await line.answer()
  const asked = Promise.withResolvers<void>()
  const still = Promise.withResolvers<boolean>()
  state.isStill = () => {
    asked.resolve()
    return still.promise
  }
  const other = await dial(t, port)
  other.write(get('a'))
  await asked.promise
  const closed = app.close()
  await once(line.socket, 'end')
  still.resolve(true)
  t.match((await other.answer()).body, /^a of 1/)
  await closed
})

t.test('a server that closes does not wait for a connection that rests', { timeout: 30_000 }, async (t) => {
  const { app, port } = await keeper(t)
  const line = await dial(t, port)
  for (let round = 0; round < 2; round++) {
    line.write(get('a'))
    await line.answer()
  }
  const resting = await dial(t, port)
  resting.write(get('a'))
  await resting.answer()
  const silent = await dial(t, port)
  const closed = [resting, silent].map(({ socket }) => once(socket.resume(), 'close'))
  await app.close()
  await Promise.all(closed)
})
