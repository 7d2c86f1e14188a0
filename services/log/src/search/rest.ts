/** How long the follower rests after a turn. Search may come a little later; whoever appends is waiting now. */
import type { Turn } from './turn.ts'

/** What arrives within it is one turn: a turn for each batch would cost more than what it does. */
const gatherMs = 100
const longestRestMs = 500
/** Of the time while appends wait, a tenth is the follower's, so that a burst is hardly slowed by it; */
const burstFactor = 9
/** and a third when it has fallen behind by so many entries, which is enough to keep up with any load. */
const longBacklog = 100_000n
const backlogFactor = 2

export function restMsAfter(
  outcome: Turn['outcome'],
  workedMs: number,
  { isBusy, backlog }: { readonly isBusy: boolean; readonly backlog: bigint },
): number {
  const leastMs = outcome === 'full' ? 0 : gatherMs
  if (!isBusy) return leastMs
  const factor = backlog < longBacklog ? burstFactor : backlogFactor
  return Math.max(leastMs, Math.min(workedMs * factor, longestRestMs))
}
