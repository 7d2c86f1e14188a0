import { once } from 'node:events'
import type { RequestListener } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import t, { type Test } from 'tap'
import { followConnections } from '../src/end-connections.ts'
import { freePorts } from '../src/free-ports.ts'
import { buildServer, listen, readTlsFiles } from '../src/index.ts'
import { createPlainServer } from '../src/plain-server.ts'
import { makeCertificate } from './support/make-certificate.ts'

const whole = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'

/** A listener whose answers are given by the test. */
async function serve(t: Test, grace?: number) {
  const begun = Promise.withResolvers<() => void>()
  const handle: RequestListener = (_request, response) => begun.resolve(() => response.end('done'))
  const server = createPlainServer(handle)
  const connections = followConnections(server, grace)
  await new Promise<void>((resolve) => server.listen({ host: '127.0.0.1', port: 0 }, resolve))
  t.teardown(() => server.closeAllConnections())
  return {
    begun: begun.promise,
    dial: async (sent = '') => {
      const accepted = once(server, 'connection')
      const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
      const [own] = (await accepted) as [Socket]
      const ended = gone(socket)
      if (sent !== '') socket.write(sent)
      while (own.bytesRead < sent.length) await new Promise(setImmediate)
      return { socket, ended }
    },
    close: () => {
      connections.end()
      return new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

/** What was read of a connection when it is no more. */
async function gone(socket: Socket): Promise<string> {
  let text = ''
  socket
    .on('error', () => {})
    .on('data', (chunk) => {
      text += chunk.toString()
    })
  await new Promise<void>((resolve) => socket.once('close', () => resolve()))
  return text
}

t.test('a connection that has asked for nothing holds up no stop', async (t) => {
  const server = await serve(t)
  const { ended } = await server.dial()
  await server.close()
  t.equal(await ended, '')
})

for (const [name, part] of [
  ['head', 'GET / HTTP/1.1\r\nHost: loc'],
  ['body', 'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nbegun'],
] as const)
  t.test(`a ${name} that does not go on is waited for only so long`, async (t) => {
    const server = await serve(t, 0)
    const { ended } = await server.dial(part)
    await server.close()
    t.equal(await ended, '')
  })

t.test('what has been asked is answered, then the connection ends', async (t) => {
  const server = await serve(t, 0)
  const { ended } = await server.dial(whole)
  const answer = await server.begun
  const closed = server.close()
  answer()
  await closed
  t.match(await ended, /^HTTP\/1\.1 200 OK\r\n[^]*done/)
})

t.test('a request that comes whole within its time is answered', async (t) => {
  const server = await serve(t)
  const { socket, ended } = await server.dial(whole.slice(0, 20))
  const closed = server.close()
  socket.write(whole.slice(20))
  const answer = await server.begun
  answer()
  await closed
  t.match(await ended, /^HTTP\/1\.1 200 OK/)
})

t.test('so it is for the frame, its door inside and TLS', async (t) => {
  const app = buildServer({ name: 'test', logger: false })
  const [inside = 0] = await freePorts(1)
  const { port } = await listen(app, {
    host: '127.0.0.1',
    port: 0,
    portVariable: 'PORT',
    inside: { host: '127.0.0.1', port: inside },
  })
  const silent = await Promise.all([port, inside].map(dialed))
  const ends = Promise.all(silent.map(gone))
  await app.close()
  t.same(await ends, ['', ''])

  const files = makeCertificate(t.testdir(), 'localhost')
  const secure = buildServer({ name: 'test', logger: false, tls: await readTlsFiles(files) })
  const door = await listen(secure, { host: '127.0.0.1', port: 0, portVariable: 'PORT' })
  const raw = connect(door.port, '127.0.0.1')
  await once(secure.server, 'connection')
  const shaken = connectTls({ port: door.port, host: '127.0.0.1', rejectUnauthorized: false })
  await once(secure.server, 'secureConnection')
  const both = Promise.all([gone(raw), gone(shaken)])
  await secure.close()
  t.same(await both, ['', ''])
})

async function dialed(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  return socket
}
