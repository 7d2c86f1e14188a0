import {
  buildServer,
  type Logger,
  type Readiness,
  type Registry,
  type ServerOptions,
  serveApi,
  type TlsIdentity,
} from '@sigstack/server'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Counter } from 'prom-client'
import { openApi } from './openapi.ts'
import { type MirrorRouteOptions, mirrorRoutes } from './routes/mirror.ts'
import { replyWithRefusal } from './routes/replies.ts'
import { type WitnessRouteOptions, witnessRoutes } from './routes/witness.ts'

export type AppDependencies = WitnessRouteOptions & {
  readonly logger: Logger | false
  /** Where it keeps copies too. */
  readonly mirror?: MirrorRouteOptions['mirror']
  readonly registry: Registry
  readonly readiness?: () => Promise<Readiness>
  /** Serve `/metrics` beside the API; false where it has a port of its own. */
  readonly metricsRoute?: boolean
  readonly tls?: TlsIdentity
  readonly trustProxy?: NonNullable<ServerOptions['trustProxy']>
}

/** The witness's HTTP face, listening nowhere yet. */
export function buildApp(dependencies: AppDependencies): FastifyInstance {
  const {
    logger,
    registry,
    readiness,
    tls,
    trustProxy,
    metricsRoute = true,
    mirror,
    ...routes
  } = dependencies
  const { metrics } = routes
  const app = buildServer({
    name: 'witness',
    logger,
    metrics: registry,
    metricsRoute,
    errorHandler: (error, request, reply) =>
      replyWithRefusal(error, request, reply, (outcome) => countOf(request).inc({ outcome })),
    routerOptions: { ignoreTrailingSlash: true, ignoreDuplicateSlashes: true },
    ...(readiness !== undefined && { readiness }),
    ...(trustProxy !== undefined && { trustProxy }),
    ...(tls !== undefined && { tls }),
  })
  app.register(witnessRoutes, routes)
  if (mirror !== undefined) app.register(mirrorRoutes, { mirror, metrics })
  serveApi(app, openApi)
  return app

  function countOf({ routeOptions }: FastifyRequest): Counter<'outcome'> {
    return routeOptions.url === '/add-entries' ? metrics.uploads : metrics.submissions
  }
}
