import type { Pool } from '@sigstack/postgres'
import {
  buildServer,
  type Logger,
  type Readiness,
  type Registry,
  type ServerOptions,
  serveApi,
  type TlsIdentity,
} from '@sigstack/server'
import type { FastifyInstance } from 'fastify'
import { openApi } from './openapi.ts'
import { alarmRoutes } from './routes/alarms.ts'
import { guard } from './routes/guard.ts'
import { logRoutes } from './routes/logs.ts'
import { replyWithRefusal } from './routes/replies.ts'
import { watchRoutes } from './routes/watches.ts'

export type AppDependencies = {
  readonly pool: Pool
  /** Undefined: whoever is on this machine may ask. */
  readonly token: string | undefined
  readonly logger: Logger | false
  readonly registry: Registry
  readonly readiness?: () => Promise<Readiness>
  /** Serve `/metrics` beside the API; false where it has a port of its own. */
  readonly metricsRoute?: boolean
  readonly tls?: TlsIdentity
  readonly trustProxy?: NonNullable<ServerOptions['trustProxy']>
}

/** The monitor's HTTP face, listening nowhere yet. */
export function buildApp(dependencies: AppDependencies): FastifyInstance {
  const { pool, token, logger, registry, readiness, tls, trustProxy } = dependencies
  const app = buildServer({
    name: 'monitor',
    logger,
    bodyLimitBytes: 65_536,
    metrics: registry,
    metricsRoute: dependencies.metricsRoute ?? true,
    errorHandler: replyWithRefusal,
    ...(readiness !== undefined && { readiness }),
    ...(trustProxy !== undefined && { trustProxy }),
    ...(tls !== undefined && { tls }),
  })
  app.register(
    async (api) => {
      guard(api, token)
      api.register(logRoutes, { pool })
      api.register(watchRoutes, { pool })
      api.register(alarmRoutes, { pool })
    },
    { prefix: '/api/v1' },
  )
  serveApi(app, openApi)
  return app
}
