import { reasonOf } from '@sigstack/crypto'
import {
  createCleanups,
  createRegistry,
  type Logger,
  listen,
  type Registry,
  type Reloading,
  reloadFromFiles,
  startOrCleanUp,
} from '@sigstack/server'
import { buildApp } from './app.ts'
import type { DocumentCache } from './cache/document-cache.ts'
import { createDocumentSeal } from './cache/document-seal.ts'
import { createMemoryCache } from './cache/memory-cache.ts'
import { createRedisCache } from './cache/redis-cache.ts'
import { type Config, readIssuersFile } from './config.ts'
import { type CurrentIssuers, createCurrentIssuers } from './documents/current-issuers.ts'
import { troubleOf, withTroubleInLog } from './documents/trouble.ts'
import type { IssuerEntry } from './issuers/issuer.ts'
import { createDocumentEvents, createReloadEvents } from './metrics.ts'
import { createServiceAccount } from './upstream/service-account.ts'

export type StartOptions = {
  readonly logger: Logger
  /** False where several services share one process. */
  readonly processMetrics?: boolean
}

export type RunningOidcProxy = { readonly url: string; stop(): Promise<void> }

const retryAfterMs = 5000
/** As long as a list may be. */
const mostIssuers = 1000
/** The members of patterns, known and unknown, and two documents of each. */
const maxFamilyDocuments = 2 * 2 * 100

/** Wires the real adapters and listens. Does not wait for any issuer. */
export async function startOidcProxy(config: Config, options: StartOptions): Promise<RunningOidcProxy> {
  const { logger } = options
  const now = Date.now
  const metrics = createRegistry({ processMetrics: options.processMetrics ?? true })
  const named = config.issuersFile === undefined ? config.issuers.length : mostIssuers
  const cache = openCache(config, logger, 2 * named + maxFamilyDocuments, now)
  const current = createCurrentIssuers(config.issuers, {
    cache,
    times: {
      freshMs: config.freshSeconds * 1000,
      keyIdRefetchIntervalMs: config.keyIdRefetchSeconds * 1000,
      retryAfterMs,
    },
    events: withTroubleInLog(createDocumentEvents(metrics, cache), logger),
    ...(config.egressProxy !== undefined && { proxy: config.egressProxy }),
    ...(config.howToPermit !== undefined && { howToPermit: config.howToPermit }),
    serviceAccount: createServiceAccount(config.serviceAccountFiles),
    now,
  })
  const { registry: issuers, documents } = current
  let reloading: Reloading<unknown> | undefined
  const configuration = (): string => reloading?.fault() ?? troubleOf(documents.states())
  const app = buildApp({ logger, metrics, issuers, documents, cache, configuration, now })

  const cleanups = createCleanups()
  cleanups.add(() => cache.stop())
  cleanups.add(() => current.stop())
  cleanups.add(() => app.close())
  cleanups.add(() => reloading?.stop())
  const address = { host: config.host, port: config.port, portVariable: 'OIDC_PROXY_PORT' }
  const { url } = await startOrCleanUp(() => listen(app, address), { cleanups, logger })

  if (config.egressProxy !== undefined)
    logger.info(
      'issuers are asked through the proxy of the network, which checks the addresses behind their names or does not',
    )
  // Documents are fetched ahead of need, so that a token seldom waits for its issuer.
  const refresh = (): void => {
    documents.refreshNamed().catch((error: unknown) => logger.error({ err: error }, 'issuers not refreshed'))
  }
  refresh()
  if (config.issuersFile !== undefined)
    reloading = await followIssuers(config.issuersFile, current, { metrics, logger, onChange: refresh })
  const timer = setInterval(refresh, (config.freshSeconds * 1000) / 2)
  timer.unref()
  cleanups.add(() => clearInterval(timer))

  return { url, stop: cleanups.run }
}

async function followIssuers(
  { path, parse }: NonNullable<Config['issuersFile']>,
  current: CurrentIssuers,
  { metrics, logger, onChange }: { metrics: Registry; logger: Logger; onChange: () => void },
): Promise<Reloading<unknown>> {
  const { taken, refused } = createReloadEvents(metrics)
  return reloadFromFiles<readonly IssuerEntry[]>({
    paths: () => [path],
    initial: [],
    load: () => parse(readIssuersFile(path)),
    onReload(entries) {
      current.exchange(entries)
      taken()
      logger.info({ issuers: entries.length }, 'the changed list of issuers took effect')
      onChange()
    },
    onFault(error) {
      refused()
      const reason = reasonOf(error)
      logger.error({ reason }, 'the changed list of issuers has a fault; the one before stays in force')
    },
  })
}

function openCache(config: Config, logger: Logger, maxDocuments: number, now: () => number): DocumentCache {
  const keepMs = config.keepSeconds * 1000
  const memory = createMemoryCache({ keepMs, maxDocuments, now })
  const { redisUrl: url, cacheSecret, cacheKeyPrefix: keyPrefix } = config
  if (url === undefined) return memory
  if (cacheSecret === undefined) {
    logger.warn('OIDC_CACHE_SECRET is not set, so documents of issuers are not shared through Redis')
    return memory
  }
  return createRedisCache({
    url,
    keyPrefix,
    seal: createDocumentSeal(cacheSecret),
    keepMs,
    freshMs: config.freshSeconds * 1000,
    memory,
    now,
    logger,
  })
}
