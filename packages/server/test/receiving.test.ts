import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import { Readable } from 'node:stream'
import t from 'tap'
import { boundReceiving, buildServer } from '../src/index.ts'

t.test('a body that nobody reads may end in the middle', { timeout: 30_000 }, async (t) => {
  const app = buildServer({ name: 'receiver', logger: false })
  boundReceiving(app, { totalBytes: 1_000_000, senderOf: ({ ip }) => ip })
  const gone = Promise.withResolvers<void>()
  const refused = Promise.withResolvers<void>()
  const aborted = Promise.withResolvers<void>()
  app.post('/things', async () => 'posted')
  app.addHook('preParsing', (request, _reply, payload, done) => {
    // Of the body itself; `payload` is what counts it.
    request.raw.once('close', () => setImmediate(aborted.resolve))
    done(null, payload)
  })
  // The answer waits, so that it is not sent when the connection ends.
  app.addHook('onSend', async (_request, reply) => {
    if (reply.statusCode !== 415) return
    refused.resolve()
    await gone.promise
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  t.teardown(() => app.close())
  const { port } = app.server.address() as AddressInfo

  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  const head = 'Host: x\r\nContent-Type: of/nobody\r\nTransfer-Encoding: chunked\r\n\r\n'
  socket.write(`POST /things HTTP/1.1\r\n${head}5\r\nhello\r\n`)
  await refused.promise
  socket.resetAndDestroy()
  await aborted.promise
  gone.resolve()
  const { statusCode } = await app.inject({ method: 'POST', url: '/things', payload: {} })
  t.equal(statusCode, 200)
})

t.test('a body that is too large for its route is told so, and not to come again', async (t) => {
  const app = buildServer({ name: 'receiver', logger: false, bodyLimitBytes: 100_000 })
  boundReceiving(app, { totalBytes: 200_000, senderOf: ({ ip }) => ip })
  app.post('/small', async () => 'posted')
  app.post('/large', { bodyLimit: 1_000_000 }, async () => 'posted')
  t.teardown(() => app.close())
  // Without a length, in pieces as they come.
  const post = async (url: string, bytes: number) => {
    const pieces = Array.from({ length: bytes / 10_000 }, () => Buffer.alloc(10_000, '1'))
    const headers = { 'content-type': 'application/json' }
    return (await app.inject({ method: 'POST', url, headers, payload: Readable.from(pieces) })).statusCode
  }
  t.equal(await post('/small', 100_000), 200)
  t.equal(await post('/small', 150_000), 413)
  t.equal(await post('/large', 150_000), 429)
})
