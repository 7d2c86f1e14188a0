/**
 * One page out of the pages of several logs, by time. A page of one log may be short although more follow; beyond where it ends nothing
 * of the others is told, so that the order holds over all pages.
 */
export type Candidate<Entry> = { readonly index: bigint; readonly timeMs: number; readonly entry: Entry }

export type LogPage<Entry> = {
  readonly candidates: readonly Candidate<Entry>[]
  /** Where the page after this one goes on; `undefined` where nothing is left. */
  readonly next: bigint | undefined
  /** No entry of the rest is beyond it: the newest or the oldest that it may have. Infinite where nothing is known of it. */
  readonly nextTimeMs: number | undefined
}

export type Merged<Entry> = {
  readonly taken: readonly { readonly from: number; readonly candidate: Candidate<Entry> }[]
  /** For each log where it goes on; `undefined` where nothing is left. */
  readonly next: readonly (bigint | undefined)[]
}

/** At most `limit`. Of entries of one time those of the log that stands first come first. */
export function mergePages<Entry>(
  pages: readonly LogPage<Entry>[],
  order: 'newest' | 'oldest',
  limit: number,
): Merged<Entry> {
  const sign = order === 'newest' ? -1 : 1
  const frontier = Math.min(
    ...pages.map(({ next, nextTimeMs }) =>
      next === undefined ? Infinity : sign * (nextTimeMs ?? -Infinity),
    ),
  )
  const all = pages
    .flatMap(({ candidates }, from) => candidates.map((candidate) => ({ from, candidate })))
    // Stable, so that entries of a log stay in its order.
    .toSorted((a, b) => sign * (a.candidate.timeMs - b.candidate.timeMs))
  const taken: Merged<Entry>['taken'][number][] = []
  for (const each of all) {
    if (taken.length === limit || sign * each.candidate.timeMs > frontier) break
    taken.push(each)
  }
  return { taken, next: pages.map((page, from) => nextOf(page, from)) }

  function nextOf({ candidates, next }: LogPage<Entry>, from: number): bigint | undefined {
    const count = taken.filter((each) => each.from === from).length
    const first = candidates[count]
    if (first === undefined) return next
    return order === 'newest' ? first.index + 1n : first.index
  }
}
