/**
 * Token buckets, one for each key and rule. A bucket holds `burst` tokens when full and gains `perSecond` of them; a taker needs one
 * from each rule's bucket, and takes none when one of them is empty.
 */

export type Rule = {
  /** Above 0; may be a fraction, such as 1/60 for one a minute. */
  readonly perSecond: number
  /** How many may be taken at once after a rest; at least 1. */
  readonly burst: number
}

export type Take = {
  readonly allowed: boolean
  /** Whole seconds until the next try can succeed, at least 1; 0 when allowed. */
  readonly retryAfterSeconds: number
}

export type Limiter = {
  take(key: string): Promise<Take>
  /** Where the buckets are now; `redis_unreachable` counts in memory meanwhile. */
  state(): 'memory' | 'redis' | 'redis_unreachable'
  stop(): Promise<void>
}

export const allowed: Take = { allowed: true, retryAfterSeconds: 0 }

export function refusedFor(waitMs: number): Take {
  return { allowed: false, retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1000)) }
}

/**
 * A bucket as one number (the generic cell rate algorithm): the time at which it will be full again. `intervalMs` is the time
 * one token takes; a take is allowed while the bucket would be full no later than `toleranceMs` from now.
 */
export type Pace = { readonly intervalMs: number; readonly toleranceMs: number }

export function paceOf({ perSecond, burst }: Rule): Pace {
  const intervalMs = 1000 / perSecond
  return { intervalMs, toleranceMs: intervalMs * (burst - 1) }
}
