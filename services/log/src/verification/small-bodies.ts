/**
 * Proposals of usual size. One that comes alone is verified where it is, which is quickest. Those that come together go to a thread, once it
 * is there, gathered, so that the way there costs each of them little: on two cores the thread of requests then has a third of its time more.
 */

import { createFairQueue, type Taken } from '@sigstack/limits/fair-queue'
import type { VerifiedEntry } from '@sigstack/rekor-entries'
import { RekorLogError } from '@sigstack/rekor-log'
import type { Outcome } from './messages.ts'
import { openThread, type ThreadOptions, VerificationOverrun } from './thread.ts'
import { entryOf, verifyText } from './verify-text.ts'

export type SmallBodies = {
  /**
   * Throws EntryError, `undefined` for what is not JSON, and RekorLogError `queue_full` and `unavailable`. `sender` is the network of the
   * client: those of one wait behind each other, not before those of others.
   */
  verify(text: string, sender: string): Promise<VerifiedEntry | undefined>
  stop(): Promise<void>
}

export type SmallBodyOptions = ThreadOptions & {
  /** Proposals that may wait, of one sender half as many; default 10,000. */
  readonly waitingLimit?: number
}

type Waiting = {
  readonly text: string
  /** Those that were with it, or it, took too long: it goes by itself, so that it is known which. */
  isSuspect: boolean
  resolve(outcome: Outcome): void
  reject(error: unknown): void
}

/** In one message: the first of them should not wait for the last. */
const mostTexts = 32
const mostCharacters = 262_144
/** While one is worked on another is at hand, and what comes meanwhile is gathered. */
const mostMessages = 2
/** More is parsed where it keeps nobody else waiting. */
const mostHere = 65_536

export function openSmallBodies(options: SmallBodyOptions): SmallBodies {
  const { policy, waitingLimit = 10_000 } = options
  const thread = openThread(options)
  const queue = createFairQueue<Waiting>(waitingLimit)
  let waiting = 0
  let isFlushing = false

  function flush(): void {
    isFlushing = false
    while (!queue.isEmpty()) {
      if (thread.depth() >= mostMessages) return
      const taken = takeSome()
      const isAlone = taken.length === 1 && queue.isEmpty() && thread.depth() === 0
      const mayStay = taken.every(({ item }) => item.text.length <= mostHere && !item.isSuspect)
      if (mayStay && (isAlone || !thread.isReady()))
        void settle(taken, (texts) => Promise.all(texts.map((text) => verifyText(text, policy))))
      else void settle(taken, async (texts) => (await thread.run({ kind: 'texts', texts })).outcomes)
    }
  }

  function takeSome(): readonly Taken<Waiting>[] {
    const some: Taken<Waiting>[] = []
    let characters = 0
    while (some.length < mostTexts && characters < mostCharacters) {
      const next = queue.take()
      if (next === undefined) break
      some.push(next)
      characters += next.item.text.length
      if (next.item.isSuspect) break
    }
    return some
  }

  async function settle(
    some: readonly Taken<Waiting>[],
    verify: (texts: readonly string[]) => Promise<readonly Outcome[]>,
  ): Promise<void> {
    let settled = some
    try {
      const outcomes = await verify(some.map(({ item }) => item.text))
      for (const [at, { item }] of some.entries()) item.resolve(outcomes[at] as Outcome)
    } catch (error) {
      if (error instanceof VerificationOverrun && some.length > 1) {
        settled = []
        for (const { sender, item, size } of some) {
          item.isSuspect = true
          queue.putBack(sender, item, size)
        }
      } else for (const { item } of some) item.reject(error)
    } finally {
      for (const one of settled) queue.done(one)
      waiting -= settled.length
      flush()
    }
  }

  return {
    verify: async (text, sender) => {
      const outcome = await new Promise<Outcome>((resolve, reject) => {
        const item = { text, isSuspect: false, resolve, reject }
        if (!queue.push(sender, item, 1))
          throw new RekorLogError(
            'queue_full',
            `${waiting} entries are waiting to be verified; try again shortly`,
          )
        waiting++
        // Whatever was received in this turn of the event loop goes together.
        if (!isFlushing) setImmediate(flush)
        isFlushing = true
      })
      return entryOf(outcome)
    },
    stop: thread.stop,
  }
}
