/** How long the follower rests after a turn. Search may come a little later; whoever appends is waiting now. */
import type { Turn } from './turn.ts'

/** While the log grows, what arrives within it is one turn: a turn for each batch would cost more than what it does. */
const gatherMs = 100
const longestRestMs = 500
/** Of the time while the log grows a tenth is the follower's, so that a burst is hardly slowed by it. */
const restFactor = 9
/** So many entries behind it takes what it needs, so that search is never further behind for long. */
const longBacklog = 100_000n
/** Between two looks at how far another process has come. */
const lookAgainMs = 20

export function restMsAfter(
  outcome: Turn['outcome'],
  workedMs: number,
  /** Whether entries were logged during the turn, and how many are to be indexed. */
  { isGrowing, backlog }: { readonly isGrowing: boolean; readonly backlog: bigint },
): number {
  if (outcome === 'not ours') return lookAgainMs
  if (!isGrowing || backlog >= longBacklog) return 0
  return Math.max(outcome === 'full' ? 0 : gatherMs, Math.min(workedMs * restFactor, longestRestMs))
}

/** Where a reader waits: half of the time is left to the writers, however many readers hurry. */
export function hurriedRestMs(outcome: Turn['outcome'], workedMs: number): number {
  return outcome === 'not ours' ? lookAgainMs : Math.min(workedMs, longestRestMs)
}
