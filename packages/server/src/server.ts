/**
 * The Fastify frame of every service. It decides what no dialect should differ in: limits, request ids, log
 * records, metrics, health. How a path is read and how a failure is told belong to the dialect.
 */
import type { Http2SecureServer } from 'node:http2'
import type { Socket } from 'node:net'
import { deepestJson, isDeeperThan } from '@sigstack/crypto'
import {
  type FastifyHttp2SecureOptions,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type FastifyServerOptions,
  fastify,
  LogController,
} from 'fastify'
import { noteRoutes } from './api-page/registered-routes.ts'
import { followConnections } from './end-connections.ts'
import { answerHealth, answerReadiness, type Readiness } from './health.ts'
import { type Logger, pathOf } from './logger.ts'
import { exposition, measureRequests, type Registry } from './metrics.ts'
import { answerNoRequest, refuseNoRequests } from './no-request.ts'
import { answerPrepared } from './prepared/answer-prepared.ts'
import type { PreparedAnswers } from './prepared/prepared-answers.ts'
import { replyWithNotFound, replyWithProblemOf } from './problem.ts'
import { requestIds } from './request-id.ts'
import { requestLog } from './request-log.ts'
import { boundSending, defaultSending, type SendingOptions } from './sending.ts'
import { takeTurns } from './take-turns.ts'
import { type TlsIdentity, tlsMinimum } from './tls-files.ts'

export type ServerOptions = {
  readonly name: string
  readonly logger: Logger | false
  /** Default 1 MiB; a route may set its own. */
  readonly bodyLimitBytes?: number
  /** The longest time to receive one request whole; default 30,000 ms. */
  readonly requestTimeoutMs?: number
  /** One info record for every answer; otherwise at debug, where failures are still told by their handlers. */
  readonly accessLog?: boolean
  /** Counts requests into this registry and serves it at `/metrics`. */
  readonly metrics?: Registry
  /** False where the registry is served elsewhere, as by `listenMetrics`. */
  readonly metricsRoute?: boolean
  /** Serves `/readyz`. Without it, ready is what lives. */
  readonly readiness?: () => Promise<Readiness>
  /** False where the dialect answers `/healthz` itself. */
  readonly healthz?: boolean
  /** Serves HTTPS: HTTP/2 and HTTP/1.1 on one port, chosen by ALPN. */
  readonly tls?: TlsIdentity
  /** Which peers may speak for others in `X-Forwarded-*`; default none. */
  readonly trustProxy?: NonNullable<FastifyServerOptions['trustProxy']>
  /** Cleans a request's path before it is routed. */
  readonly rewriteUrl?: (request: { readonly url?: string }) => string
  /** Bounds what is on its way to readers; by default each address is one. */
  readonly sending?: Partial<SendingOptions>
  /** What its routes keep there is given out without the frame, where that is plain HTTP and nobody wants a record of each answer. */
  readonly prepared?: PreparedAnswers | undefined
  readonly routerOptions?: NonNullable<FastifyServerOptions['routerOptions']>
  readonly errorHandler?: (error: unknown, request: FastifyRequest, reply: FastifyReply) => unknown
  readonly notFoundHandler?: (request: FastifyRequest, reply: FastifyReply) => unknown
}

/** Listens nowhere yet; see `listen`. Validation never changes what was sent: no coercion, nothing removed. */
export function buildServer(options: ServerOptions): FastifyInstance {
  const { logger, rewriteUrl } = options
  const errorHandler = options.errorHandler ?? replyWithProblemOf
  const requestId = requestIds()
  const frame: FastifyServerOptions = {
    ...(logger === false ? { logger: false } : { loggerInstance: logger }),
    logController: new AnswerLog(options.accessLog === true ? 'info' : 'debug'),
    childLoggerFactory: requestLog,
    genReqId: requestId,
    requestIdHeader: false,
    bodyLimit: options.bodyLimitBytes ?? 1_048_576,
    requestTimeout: options.requestTimeoutMs ?? 30_000,
    clientErrorHandler: answerNoRequest,
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false } },
    // Called for paths that cannot be decoded, before any route is chosen.
    frameworkErrors: (error, request, reply) => {
      errorHandler(error, request as FastifyRequest, reply as FastifyReply)
    },
    ...(options.trustProxy === undefined ? {} : { trustProxy: options.trustProxy }),
    ...(rewriteUrl === undefined ? {} : { rewriteUrl: (request) => rewriteUrl({ url: request.url ?? '/' }) }),
    ...(options.routerOptions === undefined ? {} : { routerOptions: options.routerOptions }),
  }
  const app =
    options.tls === undefined ? fastify({ ...frame, http: ofNode }) : secureFrame(frame, options.tls)

  takeTurns(app.server)
  // No route takes it: without this the frame wants to read its body before it says so.
  app.addHttpMethod('QUERY', { overrideExisting: true })
  noteRoutes(app)
  app.setErrorHandler((error, request, reply) =>
    errorHandler(error === request.raw.errored ? endedBySender() : error, request, reply),
  )
  app.setNotFoundHandler(options.notFoundHandler ?? replyWithNotFound)
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id)
    done()
  })
  refuseNoRequests(app)
  // The address that a socket has told once it tells for ever, the one of a connection that is gone it does not know any more.
  app.server.on(
    options.tls === undefined ? 'connection' : 'secureConnection',
    (socket) => socket.remoteAddress,
  )
  boundSending(app, { ...defaultSending, ...options.sending })

  app.addHook('preValidation', (request, _reply, done) => {
    done(isDeeperThan(request.body, deepestJson) ? nestedTooDeeply() : undefined)
  })
  const connections = followConnections(app.server)
  app.addHook('preClose', (done) => {
    connections.end()
    done()
  })

  const { metrics, prepared } = options
  const isEachTold = options.accessLog === true || (logger !== false && SEES_DEBUG.has(logger.level))
  if (prepared !== undefined && options.tls === undefined && !isEachTold)
    answerPrepared(app, prepared, { requestId })
  if (metrics !== undefined) {
    measureRequests(app, metrics, prepared)
    if (options.metricsRoute !== false) {
      app.get('/metrics', { logLevel: 'silent' }, async (_request, reply) =>
        reply.type(metrics.contentType).send(await exposition(metrics)),
      )
    }
  }
  if (options.healthz !== false) answerHealth(app)
  answerReadiness(app, options.readiness ?? (async () => ({ ready: true, checks: {} })))
  return app
}

/** Node's own error of it looks like one of a connection of ours. */
function endedBySender(): Error {
  return Object.assign(new Error('the sender ended the request before its end'), { statusCode: 400 })
}

/** What reads a body further, validation of its schema included, may go down by recursion. */
function nestedTooDeeply(): Error {
  return Object.assign(new Error('the body is nested too deeply'), { statusCode: 400 })
}

/** Without it Node itself refuses a request that names no host, with no word. */
const ofNode = { requireHostHeader: false }

/** The type is that of the plain frame: what services use of it is the same. */
function secureFrame(frame: FastifyServerOptions, tls: TlsIdentity): FastifyInstance {
  const secure = fastify({
    ...(frame as unknown as FastifyHttp2SecureOptions<Http2SecureServer>),
    http2: true,
    https: { ...tls, ...ofNode, allowHTTP1: true, minVersion: tlsMinimum, handshakeTimeout: 10_000 },
  })
  // The frame closes a session that is silent for long, which waits for its streams: those of a client that is gone never end. A
  // session that was closed before leaves its socket half open for as long as the client likes, so that ends too.
  let latest: Socket | undefined
  secure.server.prependListener('secureConnection', (socket) => {
    latest = socket
  })
  secure.server.on('session', (session) => {
    const socket = latest
    session.on('timeout', () => {
      session.destroy()
      socket?.destroy()
    })
  })
  return secure as unknown as FastifyInstance
}

const SEES_DEBUG = new Set<string | undefined>(['debug', 'trace'])

/** One record an answer, none for the start of a request: half the work, and nothing is lost. */
class AnswerLog extends LogController {
  readonly #level: 'info' | 'debug'
  constructor(level: 'info' | 'debug') {
    super()
    this.#level = level
  }
  override incomingRequest(): void {}
  override requestCompleted(
    error: Error | null | undefined,
    request: FastifyRequest,
    reply: FastifyReply,
  ): void {
    if (error) {
      reply.log.warn({ err: error, status: reply.statusCode }, 'answer not delivered')
    } else if (this.#level === 'info' || SEES_DEBUG.has(reply.log.level)) {
      reply.log[this.#level](
        {
          method: request.method,
          path: pathOf(request.url),
          status: reply.statusCode,
          ms: Math.round(reply.elapsedTime * 10) / 10,
        },
        'answered',
      )
    }
  }
}
