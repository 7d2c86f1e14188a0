/** How far long work has come: a line every few seconds, with its speed and when it will be done. */
import type { Io } from '../io.ts'

export type Progress = (done: bigint, total: bigint) => void

const everyMs = 3_000

/**
 * @param verb What is done to the entries, such as `audited`.
 * @param nowMs Of any clock that goes evenly.
 */
export function createProgress(io: Pick<Io, 'err'>, verb: string, nowMs = () => performance.now()): Progress {
  let since: { readonly ms: number; readonly done: bigint } | undefined
  let lastMs = nowMs()
  return (done, total) => {
    const now = nowMs()
    // Counted from the first page on: what came before it is getting ready.
    since ??= { ms: now, done }
    if (now - lastMs < everyMs || done > total) return
    lastMs = now
    const perSecond = (Number(done - since.done) * 1000) / (now - since.ms)
    const left =
      perSecond > 0 ? `, ${whole(perSecond)}/s, ${duration(Number(total - done) / perSecond)} left` : ''
    io.err(`${verb} ${whole(done)} of ${whole(total)} entries${left}\n`)
  }
}

/** Silent where nobody watches. */
export function progressOf(io: Io, verb: string, options: { readonly quiet?: boolean }): Progress {
  return options.quiet === true ? () => {} : createProgress(io, verb)
}

function duration(seconds: number): string {
  if (seconds < 100) return `${Math.ceil(seconds)} s`
  return seconds < 6000 ? `${Math.ceil(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`
}

/** With commas between the thousands. */
export function whole(count: number | bigint): string {
  return (typeof count === 'bigint' ? count : Math.round(count)).toLocaleString('en-US')
}
