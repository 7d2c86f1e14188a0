/** Buckets of this process. Bounded: when there are too many, those that are full again go first, then the least recently used. */
import { allowed, type Limiter, paceOf, type Rule, refusedFor } from './limiter.ts'

export type MemoryLimiterOptions = {
  readonly rules: readonly Rule[]
  readonly nowMs: () => number
  readonly mostKeys: number
}

export function createMemoryLimiter({ rules, nowMs, mostKeys }: MemoryLimiterOptions): Limiter {
  const paces = rules.map(paceOf)
  // For each key, when each rule's bucket is full again. Oldest use first.
  const buckets = new Map<string, readonly number[]>()

  function makeRoom(now: number): void {
    if (buckets.size < mostKeys) return
    for (const [key, fullAt] of buckets) {
      if (fullAt.every((at) => at <= now)) buckets.delete(key)
    }
    // A tenth at once, so that a flood of new keys does not sweep at each of them.
    const surplus = buckets.size - Math.floor(mostKeys * 0.9)
    for (const key of [...buckets.keys()].slice(0, Math.max(0, surplus))) buckets.delete(key)
  }

  return {
    take: async (key) => {
      const now = nowMs()
      const before = buckets.get(key)
      const fullAt = paces.map((_, i) => Math.max(before?.[i] ?? 0, now))
      const waitMs = Math.max(...paces.map(({ toleranceMs }, i) => (fullAt[i] ?? now) - now - toleranceMs))
      if (waitMs > 0) return refusedFor(waitMs)
      if (before === undefined) makeRoom(now)
      buckets.delete(key)
      buckets.set(
        key,
        paces.map(({ intervalMs }, i) => (fullAt[i] ?? now) + intervalMs),
      )
      return allowed
    },
    state: () => 'memory',
    stop: async () => buckets.clear(),
  }
}
