/** Pages of several logs as one, by time. */
import fc from 'fast-check'
import t from 'tap'
import { type LogPage, mergePages } from '../src/search/merge.ts'

/** A log is the times of its entries, which never go backwards. Its page has at most `width` and says where it goes on. */
function pageOf(
  times: readonly number[],
  from: bigint | undefined,
  order: 'newest' | 'oldest',
  width: number,
): LogPage<string> {
  const indexes = times.map((_, index) => index)
  const wanted =
    order === 'newest'
      ? indexes.filter((index) => from === undefined || index < from).toReversed()
      : indexes.filter((index) => from === undefined || index >= from)
  const candidates = wanted
    .slice(0, width)
    .map((index) => ({ index: BigInt(index), timeMs: times[index] ?? 0, entry: String(index) }))
  const after = wanted[width]
  const next = after === undefined ? undefined : BigInt(order === 'newest' ? after + 1 : after)
  return { candidates, next, nextTimeMs: after === undefined ? undefined : (times[after] ?? 0) }
}

t.test('all entries come once and in order, however short the pages of a log are', (t) => {
  const log = fc.array(fc.nat(20), { maxLength: 12 }).map((times) => times.toSorted((a, b) => a - b))
  const property = fc.property(
    fc.array(log, { minLength: 1, maxLength: 3 }),
    fc.constantFrom('newest' as const, 'oldest' as const),
    fc.integer({ min: 1, max: 5 }),
    fc.integer({ min: 1, max: 5 }),
    (logs, order, width, limit) => {
      const seen: { from: number; time: number; entry: string }[] = []
      let places: readonly (bigint | undefined)[] = logs.map(() => undefined)
      let isFirst = true
      for (let rounds = 0; ; rounds++) {
        if (rounds > 100) throw new Error('it does not end')
        const pages = logs.map(
          (times, at): LogPage<string> =>
            isFirst || places[at] !== undefined
              ? pageOf(times, places[at], order, width)
              : { candidates: [], next: undefined, nextTimeMs: undefined },
        )
        const { taken, next } = mergePages(pages, order, limit)
        if (taken.length > limit) throw new Error('too many')
        for (const { from, candidate } of taken)
          seen.push({ from, time: candidate.timeMs, entry: candidate.entry })
        if (next.every((each) => each === undefined)) break
        places = next
        isFirst = false
      }
      const sign = order === 'newest' ? -1 : 1
      const isOrdered = seen.every(
        ({ time }, at) => at === 0 || sign * (time - (seen[at - 1]?.time ?? 0)) >= 0,
      )
      const isWhole = logs.every(
        (times, from) => seen.filter((each) => each.from === from).length === times.length,
      )
      const distinct = new Set(seen.map(({ from, entry }) => `${from} ${entry}`)).size
      return isOrdered && isWhole && distinct === seen.length
    },
  )
  fc.assert(property, { seed: 7, numRuns: 500 })
  t.end()
})
