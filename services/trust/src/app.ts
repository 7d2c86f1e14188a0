import {
  allowAnyOrigin,
  buildServer,
  type Logger,
  type Registry,
  serveApi,
  type TlsIdentity,
} from '@sigstack/server'
import type { FastifyInstance } from 'fastify'
import { openApiOf } from './openapi.ts'
import type { Publisher } from './publication/publisher.ts'
import { publishedFileRoutes } from './routes/published-files.ts'
import { type RepositoryRouteOptions, repositoryFileRoutes } from './routes/repository-files.ts'

export type AppDependencies = {
  readonly publisher: Pick<Publisher, 'current' | 'trouble'>
  readonly logger: Logger | false
  readonly registry?: Registry
  readonly tuf?: RepositoryRouteOptions
  readonly tls?: TlsIdentity
}

export function buildApp({ publisher, logger, registry, tuf, tls }: AppDependencies): FastifyInstance {
  const app = buildServer({
    name: 'trust',
    logger,
    ...(registry && { metrics: registry }),
    ...(tls && { tls }),
    bodyLimitBytes: 1024,
    readiness: async () => ({
      ready: publisher.current() !== undefined,
      checks: {
        published: publisher.current() === undefined ? 'nothing yet' : 'ok',
        collected: publisher.trouble() ?? 'ok',
      },
    }),
  })
  allowAnyOrigin(app, { methods: ['GET', 'HEAD'], headers: ['If-None-Match'] })
  // Its index lists the files, for programs too.
  serveApi(app, openApiOf(tuf !== undefined), { index: false })
  app.register(publishedFileRoutes, { current: publisher.current, hasRepository: tuf !== undefined })
  if (tuf !== undefined) app.register(repositoryFileRoutes, tuf)
  return app
}
