/**
 * For work that is dear, or whose size is the asker's to choose: so many at once, and after each a rest as long as the work took times
 * `rest`. However many ask, and however much, they get a known share of the process, and the others keep theirs. Those who wait have turns
 * by network, and nothing is begun for whom has gone or has waited too long.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Asker } from './asker.ts'
import { createFairQueue } from './fair-queue.ts'

export { type Asker, askerOf } from './asker.ts'

export type Turnstile = {
  /** Whether `pass` would let this asker in, or have it wait, now. Quickly told: those who have gone may still count. */
  isOpen(asker: Asker): boolean
  /**
   * Throws what `onFull` makes when too many wait already: in all, or of this network, which has half of the room. `restOf` is the
   * rest for what follows from the work, as sending what was made, in milliseconds.
   */
  pass<T>(asker: Asker, work: () => Promise<T>, restOf?: (made: T) => number): Promise<T>
}

export type TurnstileOptions = {
  readonly places: number
  /** Those who may wait. */
  readonly queue: number
  /** Whoever has waited for longer is sent away when the turn comes; default: nobody. */
  readonly longestWaitMs?: number
  /** Of the waiting; default that of the process. */
  readonly nowMs?: () => number
  /** Of the time that a piece of work took, how often its place stays empty afterwards; default never. */
  readonly rest?: () => number
  /** For whom has gone or waited too long, too. */
  readonly onFull: () => Error
}

/** What took longer than this was slow for another reason than its size. */
const longestWorkMs = 200

type Waiting = {
  readonly asker: Asker
  readonly sinceMs: number
  begin(): void
  giveUp(): void
}

export function createTurnstile(options: TurnstileOptions): Turnstile {
  const { places, queue, rest = () => 0, onFull, nowMs = () => performance.now() } = options
  const { longestWaitMs = Number.POSITIVE_INFINITY } = options
  const waiting = createFairQueue<Waiting>(queue)
  let inside = 0

  function isInVain({ asker, sinceMs }: Waiting): boolean {
    return asker.isGone() || nowMs() - sinceMs > longestWaitMs
  }

  function dropInVain(): void {
    waiting.dropIf((item) => {
      const drops = isInVain(item)
      if (drops) item.giveUp()
      return drops
    })
  }

  function leave(): void {
    for (;;) {
      const next = waiting.take()
      if (next === undefined) {
        inside--
        return
      }
      waiting.done(next)
      if (!isInVain(next.item)) return next.item.begin()
      next.item.giveUp()
    }
  }

  async function enter(asker: Asker): Promise<void> {
    if (inside < places) {
      inside++
      return
    }
    const turn = Promise.withResolvers<void>()
    const giveUp = (): void => turn.reject(onFull())
    const item = { asker, sinceMs: nowMs(), begin: turn.resolve, giveUp }
    if (!waiting.push(asker.network, item, 1)) {
      dropInVain()
      if (!waiting.push(asker.network, item, 1)) throw onFull()
    }
    await turn.promise
  }

  return {
    isOpen: (asker) => inside < places || waiting.hasRoom(asker.network, 1),
    pass: async (asker, work, restOf = () => 0) => {
      await enter(asker)
      const start = performance.now()
      let more = 0
      try {
        const made = await work()
        more = restOf(made)
        return made
      } finally {
        const restMs = more + rest() * Math.min(performance.now() - start, longestWorkMs)
        if (restMs < 1) leave()
        else void sleep(restMs).then(leave)
      }
    },
  }
}
