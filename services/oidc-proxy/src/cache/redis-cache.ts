/**
 * Documents shared by all replicas through Redis, behind a memory level.
 *
 * Redis is an aid, never a need: when it is gone, reads and writes go on in memory, the client keeps
 * reconnecting, and nobody sees an error. What comes out of it counts only with the seal of the replicas.
 */
import { openRedisAid } from '@sigstack/limits/redis-aid'
import type { Logger } from '@sigstack/server'
import { type CachedDocument, type DocumentCache, isUsable } from './document-cache.ts'
import type { DocumentSeal } from './document-seal.ts'

export type RedisCacheOptions = {
  readonly url: string
  readonly keyPrefix: string
  /** So long an answer of Redis may take before memory has to do; default 500 ms. */
  readonly answerMs?: number
  readonly seal: DocumentSeal
  readonly keepMs: number
  /** A document in memory younger than this is used without asking Redis. */
  readonly freshMs: number
  readonly memory: DocumentCache
  readonly now: () => number
  readonly logger: Pick<Logger, 'info' | 'warn'>
}

export function createRedisCache(options: RedisCacheOptions): DocumentCache {
  const { seal, keepMs, freshMs, memory, now, logger } = options
  const { answerMs = 500 } = options
  const keyPrefix = `${options.keyPrefix}${seal.name}:`
  const onReachable = (reachable: boolean, reason?: string): void => {
    if (reachable) logger.info('documents are shared through Redis')
    else logger.warn({ reason }, 'Redis is unreachable: going on from memory, and trying again')
  }
  const aid = openRedisAid(options.url, onReachable, answerMs)
  const { redis } = aid

  async function readShared(key: string): Promise<CachedDocument | undefined> {
    if (!aid.isReady()) return undefined
    try {
      const text = await redis.get(keyPrefix + key)
      const document = text === null ? undefined : seal.open(key, text)
      return document !== undefined && isUsable(document, keepMs, now()) ? document : undefined
    } catch {
      return undefined
    }
  }

  return {
    async read(key) {
      const own = await memory.read(key)
      if (own !== undefined && now() - own.fetchedAtMs < freshMs) return own
      const shared = await readShared(key)
      if (shared === undefined || (own !== undefined && own.fetchedAtMs >= shared.fetchedAtMs)) return own
      await memory.write(key, shared)
      return shared
    },
    async write(key, document) {
      await memory.write(key, document)
      const remainingMs = Math.floor(document.fetchedAtMs + keepMs - now())
      if (remainingMs <= 0 || !aid.isReady()) return
      const shared = await readShared(key)
      if (shared !== undefined && shared.fetchedAtMs > document.fetchedAtMs) return
      // Two replicas may cross here and the older document win; both were fetched a moment ago.
      await redis.set(keyPrefix + key, seal.seal(key, document), 'PX', remainingMs).catch(() => undefined)
    },
    release: (key) => memory.release(key),
    state: () => (aid.isReady() ? 'redis' : 'redis_unreachable'),
    async stop() {
      aid.close()
      await memory.stop()
    },
  }
}
