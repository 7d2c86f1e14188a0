import { buildServer, type Logger, type Registry, serveApi } from '@sigstack/server'
import type { FastifyInstance } from 'fastify'
import type { DocumentCache } from './cache/document-cache.ts'
import type { IssuerDocuments } from './documents/issuer-documents.ts'
import type { IssuerRegistry } from './issuers/registry.ts'
import { openApi } from './openapi.ts'
import { documentRoutes } from './routes/documents.ts'
import { issuerRoutes } from './routes/issuers.ts'

export type AppDependencies = {
  readonly logger: Logger | false
  readonly metrics: Registry
  readonly issuers: IssuerRegistry
  readonly documents: IssuerDocuments
  readonly cache: DocumentCache
  /** `ok`, or why the list of issuers as it is now is not in force, or which of them cannot be read. */
  readonly configuration?: () => string
  readonly now: () => number
}

export function buildApp({
  logger,
  metrics,
  issuers,
  documents,
  cache,
  configuration = () => 'ok',
  now,
}: AppDependencies): FastifyInstance {
  const app = buildServer({
    name: 'oidc-proxy',
    logger,
    metrics,
    // Nothing is ever sent here.
    bodyLimitBytes: 1024,
    // Issuers and Redis may come and go; the proxy serves what it has.
    readiness: async () => ({ ready: true, checks: { cache: cache.state(), issuers: configuration() } }),
  })
  serveApi(app, openApi)
  app.register(documentRoutes, { issuers, documents })
  app.register(issuerRoutes, { issuers, documents, cache, now })
  return app
}
