/** What a neighbour may do to a request: each answer is bounded in time and size, and no connection is left behind. */
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { createHttpPool } from '../src/adapters/http-pool.ts'

type Neighbour = (socket: Socket) => unknown

async function start(t: Test, neighbour: Neighbour) {
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    socket.once('data', () => neighbour(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const pool = createHttpPool(`http://127.0.0.1:${port}`, 100)
  t.teardown(async () => {
    await pool.close()
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const ask = (timeoutMs = 30_000) => pool.request({ path: '/', method: 'POST', body: '{}', timeoutMs })
  return { ask, sockets }
}

const answer = (body: string, headers = '') =>
  `HTTP/1.1 200 OK\r\n${headers}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`

t.test('a whole answer is given with its status and when to come again', async (t) => {
  const told = answer('{}', 'retry-after: 7\r\n').replace('200', '503')
  const { ask } = await start(t, (socket) => socket.write(`HTTP/1.1 103 Early Hints\r\n\r\n${told}`))
  t.same(await ask(), { status: 503, text: '{}', retryAfter: '7' })
})

t.test('an answer that comes in pieces of one character is whole', async (t) => {
  const { ask } = await start(t, async (socket) => {
    for (const byte of Buffer.from(answer('{"a":"ä"}'))) {
      socket.write(Uint8Array.of(byte))
      await new Promise(setImmediate)
    }
  })
  t.same(await ask(), { status: 200, text: '{"a":"ä"}', retryAfter: undefined })
})

t.test('an answer without end is given up at its bound, and its connection ended', async (t) => {
  const { ask, sockets } = await start(t, (socket) => {
    socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n')
    socket.write(`65\r\n${'x'.repeat(101)}\r\n`)
  })
  await t.rejects(ask(), { code: 'too_large' })
  const [socket] = sockets
  if (socket !== undefined && !socket.destroyed) await once(socket, 'close')
  t.equal(sockets.length, 1)
})

t.test('who does not answer, or not to the end, is given up in time', async (t) => {
  const silent = await start(t, () => {})
  await t.rejects(silent.ask(1), { code: 'timeout' })
  const slow = await start(t, (socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{'))
  await t.rejects(slow.ask(200), { code: 'timeout' })
})

t.test('who waits for a free connection is given up in time too, and is never sent', async (t) => {
  const bodies: Promise<string>[] = []
  const { ask, sockets } = await start(t, (socket) => bodies.push(text(socket)))
  const held = Array.from({ length: 32 }, () => ask().catch((error: unknown) => error))
  while (bodies.length < 32) await new Promise(setImmediate)
  await t.rejects(ask(1), { code: 'timeout' })
  for (const socket of sockets) socket.destroy()
  await Promise.all(held)
  await Promise.allSettled(bodies)
  t.equal(bodies.length, 32)
})

t.test('a connection that breaks is told as such', async (t) => {
  const { ask } = await start(t, (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{'))
  await t.rejects(ask(), { code: 'UND_ERR_SOCKET' })
})
