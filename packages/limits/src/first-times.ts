/** Which keys came before: for what counts once, however often it comes. */
import { hash } from 'node:crypto'
import { openRedisAid } from './redis-aid.ts'

export type FirstTimes = {
  /** True once for each key, of those who ask at the same moment for one of them. */
  isFirst(key: string): Promise<boolean>
  /** As if it had never come. */
  forget(key: string): Promise<void>
  stop(): Promise<void>
}

export type FirstTimesOptions = {
  /** `redis://…` or `rediss://…`: replicas share what they know, for {@link keptSeconds}. */
  readonly redisUrl?: string
  /** So long an answer of Redis may take before this process goes by what it knows itself; default 250 ms. */
  readonly redisAnswerMs?: number
  /** Those of one name share; default `default`. */
  readonly name?: string
  /** Told once each time Redis goes or comes back. */
  readonly onReachable?: (reachable: boolean, reason?: string) => void
  /** In the memory of this process, of which the oldest go first; default 100,000. */
  readonly mostKeys?: number
}

export const keptSeconds = 86_400

/** What this process knows needs no Redis, and while that is away it is all that is known. */
export function createFirstTimes(options: FirstTimesOptions = {}): FirstTimes {
  const { redisUrl, redisAnswerMs, name = 'default', mostKeys = 100_000 } = options
  const { onReachable = () => {} } = options
  const known = new Set<string>()
  const aid = redisUrl === undefined ? undefined : openRedisAid(redisUrl, onReachable, redisAnswerMs)

  function remember(hashed: string): void {
    known.add(hashed)
    if (known.size <= mostKeys) return
    // A tenth at once: a set is slow to tell its first when many before it are gone.
    let surplus = Math.ceil(mostKeys / 10)
    for (const oldest of known) {
      if (surplus-- === 0) break
      known.delete(oldest)
    }
  }

  return {
    isFirst: async (key) => {
      const hashed = hash('sha256', key, 'base64url')
      if (known.has(hashed)) return false
      remember(hashed)
      if (aid?.isReady() !== true) return true
      const answer = aid.redis.set(`first:${name}:${hashed}`, '1', 'EX', keptSeconds, 'NX')
      return answer.then(
        (set) => set === 'OK',
        () => true,
      )
    },
    forget: async (key) => {
      const hashed = hash('sha256', key, 'base64url')
      known.delete(hashed)
      if (aid?.isReady() === true) await aid.redis.del(`first:${name}:${hashed}`).catch(() => {})
    },
    stop: async () => {
      known.clear()
      aid?.close()
    },
  }
}
