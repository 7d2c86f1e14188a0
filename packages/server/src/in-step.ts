/** Looks at intervals, in step with each other: a process that has nothing to do is woken once for all that are due. */

type Work = { readonly everySeconds: number; readonly run: () => void }

const works = new Set<Work>()
let timer: NodeJS.Timeout | undefined
/** Of the clock of `performance.now()`: the second for which the timer is set, and the last one that came. */
let next = 0
let passed = 0

/**
 * Calls `run` every `everyMs`, in whole seconds, until what it returns is called: for the first time after that time at the latest. What
 * is to come more often has a timer of its own. Keeps no process alive. `run` must not throw.
 */
export function inStep(everyMs: number, run: () => void): () => void {
  if (everyMs < 1_000) {
    const own = setInterval(run, everyMs).unref()
    return () => clearInterval(own)
  }
  const work = { everySeconds: Math.round(everyMs / 1_000), run }
  works.add(work)
  plan()
  return () => {
    works.delete(work)
    plan()
  }
}

function plan(): void {
  clearTimeout(timer)
  if (works.size === 0) return
  const now = performance.now()
  const last = Math.max(passed, Math.floor(now / 1_000))
  // Multiples: what comes every 10 seconds falls together with what comes every 5.
  next = Math.min(...Array.from(works, ({ everySeconds: s }) => (Math.floor(last / s) + 1) * s))
  timer = setTimeout(step, next * 1_000 - now).unref()
}

function step(): void {
  // A timer may be a moment early.
  passed = next
  for (const work of works) if (passed % work.everySeconds === 0) work.run()
  plan()
}
