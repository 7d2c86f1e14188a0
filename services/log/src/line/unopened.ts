/**
 * The logs of a line that this replica has not opened: one that was opened elsewhere a moment ago, one whose key it lacks, and the one that
 * is prepared to come next. Who asks for one of them must not be given another in its place.
 */
import type { PlacedLog } from '@sigstack/log-engine'

export type Unopened = {
  /** As the last look at the database found them, which is a second old at the most. */
  known(): readonly PlacedLog[]
  /** As the database has them now. Throws LogError `unavailable`. */
  now(): Promise<readonly PlacedLog[]>
}

/** What a writer or reader of such a log is told, with 503: he may come again. */
export function notOpenHere({ origin }: PlacedLog): string {
  return `the log ${origin} is not open here yet; try again in a moment`
}

/**
 * Calls share a run that begins after them, so that what it finds is no older than any of them: of many at once, each waits for the end of
 * the run on its way and for one more.
 */
export function sharedRuns<Result>(run: () => Promise<Result>): () => Promise<Result> {
  let last: Promise<unknown> = Promise.resolve()
  let next: Promise<Result> | undefined
  return () => {
    next ??= last.then(() => {
      next = undefined
      const begun = run()
      last = begun.catch(() => undefined)
      return begun
    })
    return next
  }
}
