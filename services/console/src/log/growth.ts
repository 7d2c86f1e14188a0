/** How a log grew: where it was at each hour and day, asked of the log itself. What is past does not change, and is kept. */
import { type Cached, createCached } from '../sources/cached.ts'
import type { Past } from './past.ts'

export type Span = {
  /** Begin, milliseconds since the epoch. */
  readonly fromMs: number
  readonly entries: bigint
}

export type Growth = { readonly hours: readonly Span[]; readonly days: readonly Span[] }

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const kept = { hours: 24, days: 30 }
/** At the same time, so that a page is no load. */
const atOnce = 4

/** It takes a search an hour and day, where a log rests: one look is for all pages of the next seconds. */
const freshMs = 10_000
const staleMs = 60_000

/** Undefined where the log knows no times. */
export function createGrowthSource(past: Past, now: () => number): Cached<Growth | undefined> {
  const known = new Map<number, bigint>()

  /** The index of the first entry at that time or later. */
  async function indexAt(timeMs: number, size: bigint): Promise<bigint | undefined> {
    const before = known.get(timeMs)
    if (before !== undefined) return before
    const index = await past.indexAt(timeMs, size)
    if (index !== undefined && index < size) known.set(timeMs, index)
    return index
  }

  async function spans(lengthMs: number, count: number, size: bigint): Promise<readonly Span[] | undefined> {
    const end = Math.floor(now() / lengthMs) * lengthMs
    const begins = Array.from({ length: count }, (_, at) => end - (count - 1 - at) * lengthMs)
    const indexes: (bigint | undefined)[] = []
    for (let at = 0; at < count; at += atOnce)
      indexes.push(
        ...(await Promise.all(begins.slice(at, at + atOnce).map((timeMs) => indexAt(timeMs, size)))),
      )
    const ends = [...indexes.slice(1), size]
    return begins.flatMap((fromMs, at) => {
      const [from, to] = [indexes[at], ends[at]]
      return from === undefined || to === undefined ? [] : [{ fromMs, entries: to > from ? to - from : 0n }]
    })
  }

  return createCached(
    async () => {
      const size = await past.size()
      const hours = await spans(hourMs, kept.hours, size)
      const days = await spans(dayMs, kept.days, size)
      const oldest = now() - (kept.days + 1) * dayMs
      for (const timeMs of known.keys()) if (timeMs < oldest) known.delete(timeMs)
      return hours === undefined || days === undefined || hours.length === 0 ? undefined : { hours, days }
    },
    { freshMs, staleMs, now },
  )
}
