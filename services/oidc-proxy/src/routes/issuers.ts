/** GET /v1/issuers: how every issuer is doing, for people and alerts. */
import type { FastifyPluginAsync } from 'fastify'
import type { DocumentCache } from '../cache/document-cache.ts'
import type { IssuerDocuments } from '../documents/issuer-documents.ts'
import type { DocumentHistory } from '../documents/issuer-states.ts'
import type { IssuerRegistry } from '../issuers/registry.ts'

export type IssuerRoutesOptions = {
  readonly issuers: IssuerRegistry
  readonly documents: IssuerDocuments
  readonly cache: DocumentCache
  readonly now: () => number
}

export const issuerRoutes: FastifyPluginAsync<IssuerRoutesOptions> = async (app, options) => {
  const { issuers, documents, cache, now } = options
  app.get('/v1/issuers', async () => ({
    cache: cache.state(),
    patterns: issuers.patterns,
    issuers: documents.states().map(({ issuer, history }) => ({
      issuer: issuer.url,
      ...(issuer.entry.url === issuer.url ? {} : { pattern: issuer.entry.url }),
      discovery: describe(history.discovery, now()),
      jwks: describe(history.jwks, now()),
    })),
  }))
}

/** What this replica saw itself: a document may also have come from another one, through the cache. */
function describe({ lastSuccessMs, lastFailure }: DocumentHistory, nowMs: number) {
  return {
    lastSuccess: lastSuccessMs === undefined ? null : new Date(lastSuccessMs).toISOString(),
    ageSeconds: lastSuccessMs === undefined ? null : Math.max(0, Math.floor((nowMs - lastSuccessMs) / 1000)),
    lastError:
      lastFailure === undefined
        ? null
        : {
            at: new Date(lastFailure.atMs).toISOString(),
            code: lastFailure.error.code,
            message: lastFailure.error.message,
          },
  }
}
