import { createRegistry, type Logger, listen } from '@sigstack/server'
import { buildApp } from './app.ts'
import type { DocumentCache } from './cache/document-cache.ts'
import { createMemoryCache } from './cache/memory-cache.ts'
import { createRedisCache } from './cache/redis-cache.ts'
import type { Config } from './config.ts'
import { createIssuerDocuments } from './documents/issuer-documents.ts'
import { createIssuerRegistry } from './issuers/registry.ts'
import { createDocumentEvents } from './metrics.ts'
import { createGuardedFetch } from './upstream/guarded-fetch.ts'

export type StartOptions = {
  readonly logger: Logger
  /** False where several services share one process. */
  readonly processMetrics?: boolean
}

export type RunningOidcProxy = { readonly url: string; stop(): Promise<void> }

const retryAfterMs = 5000
/** The members of patterns, known and unknown, and two documents of each. */
const maxFamilyDocuments = 2 * 2 * 100

/** Wires the real adapters and listens. Does not wait for any issuer. */
export async function startOidcProxy(config: Config, options: StartOptions): Promise<RunningOidcProxy> {
  const { logger } = options
  const now = Date.now
  const metrics = createRegistry({ processMetrics: options.processMetrics ?? true })
  const issuers = createIssuerRegistry(config.issuers)
  const upstream = createGuardedFetch()
  const cache = openCache(config, logger, 2 * issuers.named.length + maxFamilyDocuments, now)
  const documents = createIssuerDocuments({
    registry: issuers,
    upstream,
    cache,
    times: {
      freshMs: config.freshSeconds * 1000,
      keyIdRefetchIntervalMs: config.keyIdRefetchSeconds * 1000,
      retryAfterMs,
    },
    events: createDocumentEvents(metrics, cache),
    now,
  })
  const app = buildApp({ logger, metrics, issuers, documents, cache, now })

  const stopParts = async (): Promise<void> => {
    await app.close()
    await upstream.stop()
    await cache.stop()
  }
  let url: string
  try {
    const address = { host: config.host, port: config.port, portVariable: 'OIDC_PROXY_PORT' }
    url = (await listen(app, address)).url
  } catch (error) {
    await stopParts()
    throw error
  }

  // Documents are fetched ahead of need, so that a token seldom waits for its issuer.
  const refresh = (): void => {
    documents.refreshNamed().catch((error: unknown) => logger.error({ err: error }, 'issuers not refreshed'))
  }
  refresh()
  const timer = setInterval(refresh, (config.freshSeconds * 1000) / 2)
  timer.unref()

  return {
    url,
    async stop() {
      clearInterval(timer)
      await stopParts()
    },
  }
}

function openCache(config: Config, logger: Logger, maxDocuments: number, now: () => number): DocumentCache {
  const keepMs = config.keepSeconds * 1000
  const memory = createMemoryCache({ keepMs, maxDocuments, now })
  if (config.redisUrl === undefined) return memory
  const { redisUrl: url, cacheKeyPrefix: keyPrefix } = config
  return createRedisCache({
    url,
    keyPrefix,
    keepMs,
    freshMs: config.freshSeconds * 1000,
    memory,
    now,
    logger,
  })
}
