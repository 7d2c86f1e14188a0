/** Bodies on their way: one that is never finished holds what has come of it until the request's time is over. */
import { Transform } from 'node:stream'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { createHeldBytes } from './held-bytes.ts'

export type ReceivingOptions = {
  /** Of all bodies together; one sender has at most half of it. */
  readonly totalBytes: number
  /** Whose bodies count together. */
  readonly senderOf: (request: FastifyRequest) => string
}

/** Those that say that they are shorter are not counted. */
const shortBytes = 65_536

/** The frame reads no body of these. */
const bodiless = new Set(['GET', 'HEAD'])

/** Beyond the bound a body is refused with 429; one that is larger than its route takes the frame refuses, for good. */
export function boundReceiving(app: FastifyInstance, { totalBytes, senderOf }: ReceivingOptions): void {
  const held = createHeldBytes()

  app.addHook('preParsing', (request, _reply, payload, done) => {
    if (bodiless.has(request.method)) return done(null, payload)
    const declared = Number(request.headers['content-length'] ?? Number.POSITIVE_INFINITY)
    if (declared <= shortBytes) return done(null, payload)
    const sender = senderOf(request)
    let own = 0
    const counted = new Transform({
      transform: (chunk: Buffer, _encoding, next) => {
        own += chunk.length
        held.add(sender, chunk.length)
        const isTooMuch = held.total() > totalBytes || held.of(sender) > totalBytes / 2
        const isTooLarge = own > request.routeOptions.bodyLimit
        if (isTooMuch && !isTooLarge)
          next(Object.assign(new Error('too much is being received; try again'), { statusCode: 429 }))
        else next(null, chunk)
      },
    })
    counted.once('close', () => held.add(sender, -own))
    // Of a body that nobody reads, as that of a request that is refused, an abort is told here alone.
    counted.on('error', () => {})
    payload.once('error', (error) => counted.destroy(error)).once('close', () => counted.destroy())
    payload.pipe(counted)
    done(null, counted)
  })
}
