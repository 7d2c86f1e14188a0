import { allowAnyOrigin, buildServer, type Logger, type Registry } from '@sigstack/server'
import type { FastifyInstance } from 'fastify'
import type { Publisher } from './publication/publisher.ts'
import { publishedFileRoutes } from './routes/published-files.ts'
import { type RepositoryRouteOptions, repositoryFileRoutes } from './routes/repository-files.ts'

export type AppDependencies = {
  readonly publisher: Pick<Publisher, 'current' | 'isCollected'>
  readonly logger: Logger | false
  readonly registry?: Registry
  readonly tuf?: RepositoryRouteOptions
}

export function buildApp({ publisher, logger, registry, tuf }: AppDependencies): FastifyInstance {
  const app = buildServer({
    name: 'trust',
    logger,
    ...(registry && { metrics: registry }),
    bodyLimitBytes: 1024,
    readiness: async () => ({
      ready: publisher.current() !== undefined,
      checks: {
        published: publisher.current() === undefined ? 'nothing yet' : 'ok',
        collected: publisher.isCollected() ? 'ok' : 'the services have not answered since the start',
      },
    }),
  })
  allowAnyOrigin(app, { methods: ['GET', 'HEAD'], headers: ['If-None-Match'] })
  app.register(publishedFileRoutes, { current: publisher.current, hasRepository: tuf !== undefined })
  if (tuf !== undefined) app.register(repositoryFileRoutes, tuf)
  return app
}
