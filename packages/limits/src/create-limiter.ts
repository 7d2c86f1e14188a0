/** Limits by key: of an identity, an address, or whatever the caller counts. */
import { LimitsError } from './errors.ts'
import { allowed, type Limiter, type Rule } from './limiter.ts'
import { createMemoryLimiter } from './memory-limiter.ts'
import { createRedisLimiter } from './redis-limiter.ts'

export type LimiterOptions = {
  /** All of them hold; none allows everything. */
  readonly rules: readonly Rule[]
  /** `redis://…` or `rediss://…`: replicas share their buckets. Without it each process has its own. */
  readonly redisUrl?: string
  /** So long an answer of Redis may take before this process counts for itself; default 250 ms. */
  readonly redisAnswerMs?: number
  /** Limiters of one name share their buckets in Redis; default `default`. */
  readonly name?: string
  /** Told once each time Redis goes or comes back. */
  readonly onReachable?: (reachable: boolean, reason?: string) => void
  /** Of the buckets in memory; default `performance.now`, which no change of the clock moves. */
  readonly nowMs?: () => number
  /** Keys in memory at once; default 100,000. */
  readonly mostKeys?: number
}

/** Throws {@link LimitsError} for a rule that could never give a token. */
export function createLimiter(options: LimiterOptions): Limiter {
  const { rules, redisUrl, name = 'default', nowMs = () => performance.now(), mostKeys = 100_000 } = options
  for (const { perSecond, burst } of rules) {
    if (!(perSecond > 0 && perSecond < Number.POSITIVE_INFINITY && Number.isInteger(burst) && burst >= 1)) {
      throw new LimitsError('bad_rule', 'a limit needs a rate above 0 and a whole burst of at least 1')
    }
  }
  if (rules.length === 0) return { take: async () => allowed, state: () => 'memory', stop: async () => {} }
  const memory = createMemoryLimiter({ rules, nowMs, mostKeys })
  if (redisUrl === undefined) return memory
  const { redisAnswerMs: answerMs, onReachable = () => {} } = options
  return createRedisLimiter({ url: redisUrl, name, rules, fallback: memory, answerMs, onReachable })
}
