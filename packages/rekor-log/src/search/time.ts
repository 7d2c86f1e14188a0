/** Times of a log never go backwards along it, so a time is a place in it and needs no index. */
import type { LogReader } from '@sigstack/log-engine'

/** The index of the first entry sequenced at `timeMs` or later; `size` when there is none. Reads about log2(`size`) entries. */
export async function firstIndexAt(
  log: Pick<LogReader, 'readEntries'>,
  size: bigint,
  timeMs: number,
): Promise<bigint> {
  let low = 0n
  let high = size
  while (low < high) {
    const middle = (low + high) / 2n
    const [entry] = await log.readEntries(middle, 1)
    if (entry === undefined || entry.sequencedAtMs >= timeMs) high = middle
    else low = middle + 1n
  }
  return low
}
