/** Large request bodies, verified in a thread of their own, so that one of 32 MiB does not keep the small ones of others waiting. */

import { createFairQueue } from '@sigstack/limits/fair-queue'
import type { VerifiedEntry } from '@sigstack/rekor-entries'
import { RekorLogError } from '@sigstack/rekor-log'
import type { Answer, Task } from './messages.ts'
import { openThread, type ThreadOptions } from './thread.ts'
import { entryOf } from './verify-text.ts'

export type LargeBodies = {
  /** Bodies of so many bytes and more belong here. */
  readonly minBytes: number
  /** Throws EntryError, `undefined` for what is not JSON, and RekorLogError `queue_full`. */
  verifyEntry(body: Uint8Array, sender: string): Promise<VerifiedEntry | undefined>
  /**
   * The query without the contents of its `entries`, and what these became. `undefined` for what is not JSON.
   */
  verifyQuery(
    body: Uint8Array,
    sender: string,
  ): Promise<{ query: unknown; entries: readonly (() => VerifiedEntry)[] } | undefined>
  stop(): Promise<void>
}

export type LargeBodyOptions = ThreadOptions & {
  /** Default 262,144: what the main thread parses and hashes in about a millisecond. */
  readonly minBytes?: number
  /** Of all bodies that wait for the thread or are in it, those of one sender half as many; default 128 MiB. */
  readonly mostBytes?: number
}

type BytesTask = Extract<Task, { bytes: Uint8Array }>

export function openLargeBodies(options: LargeBodyOptions): LargeBodies {
  const { minBytes = 262_144, mostBytes = 134_217_728, ...threadOptions } = options
  const thread = openThread({ timeoutMs: 20_000, ...threadOptions })
  const queue = createFairQueue<{ begin(): Promise<void> }>(mostBytes)

  /** One is in the thread, and whose turn is next is decided when it is done. */
  async function advance(): Promise<void> {
    if (thread.depth() > 0) return
    const taken = queue.take()
    if (taken === undefined) return
    await taken.item.begin()
    queue.done(taken)
    return advance()
  }

  function run(kind: BytesTask['kind'], body: Uint8Array, sender: string): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const begin = async () => {
        // The request's body is a buffer of its own, unless it is a slice of another.
        const isOwn = body.byteLength === body.buffer.byteLength
        const bytes = isOwn ? body : Uint8Array.from(body)
        await thread.run({ kind, bytes }, [bytes.buffer as ArrayBuffer]).then(resolve, reject)
      }
      if (!queue.push(sender, { begin }, body.length))
        throw new RekorLogError('queue_full', 'too many large entries are being verified; try again')
      void advance()
    })
  }

  return {
    minBytes,
    verifyEntry: async (body, sender) => {
      const [outcome] = (await run('entry', body, sender)).outcomes
      return outcome && entryOf(outcome)
    },
    verifyQuery: async (body, sender) => {
      const answer = await run('query', body, sender)
      if (!('query' in answer)) return undefined
      const entries = answer.outcomes.map((outcome) => () => {
        const entry = entryOf(outcome)
        if (entry === undefined) throw new Error('a proposal in a query that was parsed is JSON')
        return entry
      })
      return { query: answer.query, entries }
    },
    stop: thread.stop,
  }
}
