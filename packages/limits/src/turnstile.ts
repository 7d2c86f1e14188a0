/**
 * For work whose size is the asker's to choose: so many at once, and after each a rest as long as the work took times `rest`. However
 * many ask, and however much, they get a known share of the process, and the others keep theirs. Those who wait have turns by network,
 * and nothing is done for whom has gone.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { createFairQueue } from './fair-queue.ts'

/** Who asks. */
export type Asker = {
  /** Of its clients, as `networkOf` has it. */
  readonly network: string
  /** Nobody waits for the answer any more. */
  isGone(): boolean
}

export type Turnstile = {
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
  /** Of the time that a piece of work took, how often its place stays empty afterwards; default never. */
  readonly rest?: () => number
  /** For whom has gone, too: nobody hears it. */
  readonly onFull: () => Error
}

/** What took longer than this was slow for another reason than its size. */
const longestWorkMs = 200

type Waiting = { readonly asker: Asker; begin(): void; giveUp(): void }

export function createTurnstile({ places, queue, rest = () => 0, onFull }: TurnstileOptions): Turnstile {
  const waiting = createFairQueue<Waiting>(queue)
  let inside = 0

  function dropGone(): void {
    waiting.dropIf((item) => {
      const isGone = item.asker.isGone()
      if (isGone) item.giveUp()
      return isGone
    })
  }

  function leave(): void {
    dropGone()
    const next = waiting.take()
    if (next === undefined) {
      inside--
      return
    }
    waiting.done(next)
    next.item.begin()
  }

  async function enter(asker: Asker): Promise<void> {
    if (inside < places) {
      inside++
      return
    }
    const turn = Promise.withResolvers<void>()
    const item = { asker, begin: turn.resolve, giveUp: () => turn.reject(onFull()) }
    if (!waiting.push(asker.network, item, 1)) {
      dropGone()
      if (!waiting.push(asker.network, item, 1)) throw onFull()
    }
    await turn.promise
  }

  return {
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
