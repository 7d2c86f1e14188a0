/**
 * The Fastify frame of every service. It decides what no dialect should differ in: limits, request ids, log
 * records, metrics, health. How a path is read and how a failure is told belong to the dialect.
 */
import type { Http2SecureServer } from 'node:http2'
import {
  type FastifyHttp2SecureOptions,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type FastifyServerOptions,
  fastify,
  LogController,
} from 'fastify'
import { answerHealth, answerReadiness, type Readiness } from './health.ts'
import { type Logger, pathOf } from './logger.ts'
import { measureRequests, type Registry } from './metrics.ts'
import { replyWithNotFound, replyWithProblemOf } from './problem.ts'
import { requestIds } from './request-id.ts'
import { requestLog } from './request-log.ts'
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
  readonly routerOptions?: NonNullable<FastifyServerOptions['routerOptions']>
  readonly errorHandler?: (error: unknown, request: FastifyRequest, reply: FastifyReply) => unknown
  readonly notFoundHandler?: (request: FastifyRequest, reply: FastifyReply) => unknown
}

/** Listens nowhere yet; see `listen`. Validation never changes what was sent: no coercion, nothing removed. */
export function buildServer(options: ServerOptions): FastifyInstance {
  const { logger, rewriteUrl } = options
  const errorHandler = options.errorHandler ?? replyWithProblemOf
  const frame: FastifyServerOptions = {
    ...(logger === false ? { logger: false } : { loggerInstance: logger }),
    logController: new AnswerLog(options.accessLog === true ? 'info' : 'debug'),
    childLoggerFactory: requestLog,
    genReqId: requestIds(),
    requestIdHeader: false,
    bodyLimit: options.bodyLimitBytes ?? 1_048_576,
    requestTimeout: options.requestTimeoutMs ?? 30_000,
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false } },
    // Called for paths that cannot be decoded, before any route is chosen.
    frameworkErrors: (error, request, reply) => {
      errorHandler(error, request as FastifyRequest, reply as FastifyReply)
    },
    ...(options.trustProxy === undefined ? {} : { trustProxy: options.trustProxy }),
    ...(rewriteUrl === undefined ? {} : { rewriteUrl: (request) => rewriteUrl({ url: request.url ?? '/' }) }),
    ...(options.routerOptions === undefined ? {} : { routerOptions: options.routerOptions }),
  }
  const app = options.tls === undefined ? fastify(frame) : secureFrame(frame, options.tls)

  app.setErrorHandler((error, request, reply) => errorHandler(error, request, reply))
  app.setNotFoundHandler(options.notFoundHandler ?? replyWithNotFound)
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id)
    done()
  })

  closeConnectionsThatEndTheirWork(app)

  const { metrics } = options
  if (metrics !== undefined) {
    measureRequests(app, metrics)
    if (options.metricsRoute !== false) {
      app.get('/metrics', { logLevel: 'silent' }, async (_request, reply) =>
        reply.type(metrics.contentType).send(await metrics.metrics()),
      )
    }
  }
  if (options.healthz !== false) answerHealth(app)
  answerReadiness(app, options.readiness ?? (async () => ({ ready: true, checks: {} })))
  return app
}

/** The type is that of the plain frame: what services use of it is the same. */
function secureFrame(frame: FastifyServerOptions, tls: TlsIdentity): FastifyInstance {
  const secure = fastify({
    ...(frame as unknown as FastifyHttp2SecureOptions<Http2SecureServer>),
    http2: true,
    https: { ...tls, allowHTTP1: true, minVersion: tlsMinimum },
  })
  return secure as unknown as FastifyInstance
}

/** A keep-alive connection whose last request ends while the server closes would be waited for until it times out. */
function closeConnectionsThatEndTheirWork(app: FastifyInstance): void {
  app.addHook('preClose', (done) => {
    // HTTP/2 servers have no such call; they end their sessions themselves.
    const sweep = setInterval(() => app.server.closeIdleConnections?.(), 50)
    app.server.once('close', () => clearInterval(sweep))
    sweep.unref()
    done()
  })
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
