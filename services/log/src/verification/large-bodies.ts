/** Large request bodies, verified in a thread of their own, so that one of 32 MiB does not keep the small ones of others waiting. */
import { LogError } from '@sigstack/log-engine'
import type { VerifiedEntry } from '@sigstack/rekor-entries'
import type { Answer, Task } from './messages.ts'
import { openThread, type ThreadOptions } from './thread.ts'
import { entryOf } from './verify-text.ts'

export type LargeBodies = {
  /** Bodies of so many bytes and more belong here. */
  readonly minBytes: number
  /** Throws EntryError, `undefined` for what is not JSON, and LogError `queue_full`. */
  verifyEntry(body: Uint8Array): Promise<VerifiedEntry | undefined>
  /**
   * The query without the contents of its `entries`, and what these became. `undefined` for what is not JSON.
   */
  verifyQuery(
    body: Uint8Array,
  ): Promise<{ query: unknown; entries: readonly (() => VerifiedEntry)[] } | undefined>
  stop(): Promise<void>
}

export type LargeBodyOptions = ThreadOptions & {
  /** Default 262,144: what the main thread parses and hashes in about a millisecond. */
  readonly minBytes?: number
  /** Of all bodies that wait for the thread or are in it; default 128 MiB. */
  readonly mostBytes?: number
}

export function openLargeBodies(options: LargeBodyOptions): LargeBodies {
  const { minBytes = 262_144, mostBytes = 134_217_728, ...threadOptions } = options
  const thread = openThread(threadOptions)
  let waitingBytes = 0

  async function run(kind: Extract<Task, { bytes: Uint8Array }>['kind'], body: Uint8Array): Promise<Answer> {
    const size = body.length
    if (waitingBytes + size > mostBytes) {
      throw new LogError('queue_full', 'too many large entries are being verified; try again')
    }
    waitingBytes += size
    try {
      // The request's body is a buffer of its own, unless it is a slice of another.
      const isOwn = body.byteLength === body.buffer.byteLength
      const bytes = isOwn ? body : Uint8Array.from(body)
      return await thread.run({ kind, bytes }, [bytes.buffer as ArrayBuffer])
    } finally {
      waitingBytes -= size
    }
  }

  return {
    minBytes,
    verifyEntry: async (body) => {
      const [outcome] = (await run('entry', body)).outcomes
      return outcome && entryOf(outcome)
    },
    verifyQuery: async (body) => {
      const answer = await run('query', body)
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
