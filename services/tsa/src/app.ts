import {
  allowAnyOrigin,
  buildServer,
  type Logger,
  type Readiness,
  type ServerOptions,
  serveApi,
  type TlsIdentity,
} from '@sigstack/server'
import type { FastifyInstance } from 'fastify'
import { measureRequests, type TsaMetrics } from './metrics.ts'
import { openApi } from './openapi.ts'
import { replyWithNotFound, replyWithRefusal } from './routes/replies.ts'
import { type TimestampRouteOptions, timestampRoutes } from './routes/timestamp.ts'

export type AppDependencies = TimestampRouteOptions & {
  readonly metrics: TsaMetrics
  readonly logger: Logger | false
  readonly readiness?: () => Promise<Readiness>
  /** Serve `/metrics` beside the API; false where it has a port of its own. */
  readonly metricsRoute?: boolean
  readonly tls?: TlsIdentity
  readonly trustProxy?: NonNullable<ServerOptions['trustProxy']>
}

/** The timestamp authority's HTTP face, listening nowhere yet. */
export function buildApp(dependencies: AppDependencies): FastifyInstance {
  const { metrics, logger, readiness, tls, trustProxy, metricsRoute = true, ...routes } = dependencies
  const app = buildServer({
    name: 'tsa',
    logger,
    errorHandler: (error, request, reply) =>
      replyWithRefusal(error, request, reply, (reason) => metrics.refusals.inc({ reason })),
    notFoundHandler: replyWithNotFound,
    routerOptions: { ignoreTrailingSlash: true, ignoreDuplicateSlashes: true },
    ...(readiness !== undefined && { readiness }),
    ...(trustProxy !== undefined && { trustProxy }),
    ...(tls !== undefined && { tls }),
  })
  measureRequests(app, metrics.registry)
  allowAnyOrigin(app, { methods: ['GET', 'POST', 'HEAD'], headers: ['Accept', 'Content-Type'] })
  if (metricsRoute)
    app.get('/metrics', { logLevel: 'silent' }, async (_request, reply) =>
      reply.header('content-type', metrics.registry.contentType).send(await metrics.registry.metrics()),
    )
  app.register(timestampRoutes, routes)
  serveApi(app, openApi)
  return app
}
