/** Something that is asked for again when it is old; whoever has an older one is not kept waiting. */
import { reasonOf } from '@sigstack/crypto'

export type Cached<Value> = {
  /** The newest that could be had, when that was (milliseconds since the epoch), and why there is none, or none newer. */
  current(): Promise<{ readonly value?: Value; readonly atMs?: number; readonly fault?: string }>
}

export type CachedOptions = {
  readonly freshMs: number
  /** Older than this it is waited for; left out, never. */
  readonly staleMs?: number
  readonly now: () => number
}

export function createCached<Value>(
  load: (before: Value | undefined) => Promise<Value>,
  { freshMs, staleMs = Number.POSITIVE_INFINITY, now }: CachedOptions,
): Cached<Value> {
  let kept: { readonly value: Value; readonly atMs: number } | undefined
  let fault: string | undefined
  let askedAt = Number.NEGATIVE_INFINITY
  let asking: Promise<void> | undefined

  async function refresh(): Promise<void> {
    askedAt = now()
    try {
      kept = { value: await load(kept?.value), atMs: now() }
      fault = undefined
    } catch (error) {
      fault = reasonOf(error)
    } finally {
      asking = undefined
    }
  }

  return {
    async current() {
      if (asking === undefined && now() - askedAt > freshMs) asking = refresh()
      if (kept === undefined || now() - kept.atMs > staleMs) await asking
      return { ...kept, ...(fault !== undefined && { fault }) }
    },
  }
}

const momentMs = 1_000

/** One answer for all who ask within a second, be it an error. Nobody is given an older one. */
export function createShared<Value>(load: () => Promise<Value>, now: () => number): () => Promise<Value> {
  const cached = createCached(async () => (await Promise.allSettled([load()]))[0], {
    freshMs: momentMs,
    staleMs: momentMs,
    now,
  })
  return async () => {
    const { value } = await cached.current()
    if (value?.status === 'fulfilled') return value.value
    throw value?.reason
  }
}
