/**
 * Answers on their way: one that is not read is held whole. So large ones are bounded together, and what does not
 * move is ended.
 */
import type { EventEmitter } from 'node:events'
import { constants, type Http2ServerRequest, type Http2Session, type ServerHttp2Stream } from 'node:http2'
import { Socket } from 'node:net'
import { Duplex, Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest, onRequestHookHandler } from 'fastify'
import { createHeldBytes } from './held-bytes.ts'
import { inStep } from './in-step.ts'

export type SendingOptions = {
  /** Of all large answers together, of which one reader has at most half; the answer that reaches a bound is still sent. */
  readonly totalBytes: number
  /** Whose answers count together. */
  readonly senderOf: (request: FastifyRequest) => string
  /** Runs the sweep again and again until it is stopped. */
  readonly repeat: (sweep: () => void) => () => void
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Which requests of a route have large answers that are dear to make: they are refused before that. */
    readonly isLarge?: (request: FastifyRequest) => boolean
  }
}

/** Shorter answers (of text, in characters) are not counted, and leave in one piece. */
const shortBytes = 65_536
/** Large answers are handed over in pieces: one write of everything would not tell how far it is. Each costs some time. */
const pieceBytes = 262_144
const sweepMs = 5_000
/** So many sweeps without a byte taken end a connection, or a stream of HTTP/2: 30 seconds. */
const patience = 6

export const defaultSending: SendingOptions = {
  totalBytes: 67_108_864,
  senderOf: ({ ip }) => ip,
  repeat: (sweep) => inStep(sweepMs, sweep),
}

/** Why an answer is not sent now; the header `Retry-After` is set already. */
export class SendingRefusal extends Error {
  override readonly name = 'SendingRefusal'
  readonly statusCode = 503
  constructor() {
    super('answers that are not read yet fill what there is for them; try again shortly')
  }
}

/** A connection of HTTP/1, or one stream of HTTP/2. */
type Way = {
  /** Bytes of large answers that were handed over to it. */
  given: number
  /** How far it was at the last sweep, and for how many sweeps it is there. */
  taken: number
  still: number
}

/** Beyond the bound a large answer is 503. What tells of something made (201) is sent whatever its size. */
export function boundSending(app: FastifyInstance, { totalBytes, senderOf, repeat }: SendingOptions): void {
  const ways = new Map<Duplex, Way>()
  const held = createHeldBytes()

  function isFull(sender: string): boolean {
    return held.total() >= totalBytes || held.of(sender) >= totalBytes / 2
  }

  function follow(duplex: Duplex): Way {
    const known = ways.get(duplex)
    if (known !== undefined) return known
    const way: Way = { given: 0, taken: 0, still: 0 }
    ways.set(duplex, way)
    duplex.once('close', () => ways.delete(duplex))
    return way
  }

  // Of HTTPS each connection is followed too: it may be one of HTTP/1.
  const opened = 'setSecureContext' in app.server ? 'secureConnection' : 'connection'
  app.server.on(opened, follow).on('stream', follow)
  const stop = repeat(() => endStill(ways, app))
  app.addHook('onClose', async () => stop())

  app.addHook('onRoute', (route) => {
    const isLarge = route.config?.isLarge
    if (isLarge === undefined) return
    const refuseEarly: onRequestHookHandler = (request, reply, done) => {
      if (isLarge(request) && isFull(senderOf(request))) done(refusalOn(reply))
      else done()
    }
    route.onRequest = [route.onRequest ?? [], refuseEarly].flat()
  })

  app.addHook<Payload>('onSend', (request, reply, payload, done) => {
    if (!isLong(payload) || request.method === 'HEAD') return done(null, payload)
    const duplex = duplexOf(request)
    // Injected, or gone.
    if (!(duplex instanceof Duplex) || duplex.destroyed) return done(null, payload)
    const sender = senderOf(request)
    if (reply.statusCode !== 201 && isFull(sender)) return done(refusalOn(reply))
    const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload
    let own = bytes.length
    const giveBack = () => {
      if (own > 0) held.add(sender, -own)
      own = 0
    }
    held.add(sender, own)
    // A stream of HTTP/2 stays open, its answer taken, while its request does not end.
    const answer: EventEmitter = isStream(duplex) ? duplex : reply.raw
    answer.once('finish', giveBack).once('close', giveBack)
    reply.header('content-length', own)
    done(null, inPieces(bytes, follow(duplex)))
  })
}

type Payload = string | Buffer | Readable | null | undefined

function isLong(payload: Payload): payload is string | Buffer {
  return (typeof payload === 'string' || Buffer.isBuffer(payload)) && payload.length > shortBytes
}

function duplexOf({ raw }: FastifyRequest): unknown {
  return raw.httpVersionMajor === 2 ? (raw as unknown as Http2ServerRequest).stream : raw.socket
}

function inPieces(bytes: Buffer, way: Way): Readable {
  let from = 0
  return new Readable({
    highWaterMark: pieceBytes,
    read() {
      const piece = bytes.subarray(from, from + pieceBytes)
      from += piece.length
      way.given += piece.length
      this.push(piece.length === 0 ? null : piece)
    },
  })
}

/** What the answer that is not sent said of itself. */
const ofAnswer = ['cache-control', 'content-encoding', 'etag', 'expires', 'last-modified']

function refusalOn(reply: FastifyReply): SendingRefusal {
  for (const name of ofAnswer) reply.removeHeader(name)
  reply.header('retry-after', '1')
  return new SendingRefusal()
}

function endStill(ways: ReadonlyMap<Duplex, Way>, app: FastifyInstance): void {
  const still: Duplex[] = []
  const sessions = new Set<Http2Session>()
  for (const [duplex, way] of ways) {
    const waiting = duplex.writableLength
    // Sockets count what was written to them, waiting bytes too; streams of HTTP/2 do not.
    const taken = (duplex instanceof Socket ? duplex.bytesWritten : way.given) - waiting
    way.still = waiting > 0 && taken === way.taken ? way.still + 1 : 0
    way.taken = taken
    if (way.still >= patience) still.push(duplex)
    else if (isStream(duplex) && duplex.session !== undefined) sessions.add(duplex.session)
  }
  for (const duplex of still) {
    const session = isStream(duplex) ? duplex.session : undefined
    if (isStream(duplex)) duplex.close(constants.NGHTTP2_CANCEL)
    duplex.destroy()
    // A peer that takes nothing on any stream may read nothing at all, not even that they are closed.
    if (session !== undefined && !sessions.has(session)) session.destroy()
  }
  if (still.length > 0) app.log.info({ ended: still.length }, 'answers that nobody took were ended')
}

function isStream(duplex: Duplex): duplex is ServerHttp2Stream {
  return 'session' in duplex
}
