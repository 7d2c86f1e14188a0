/**
 * Search keys of a whole log, on all cores: parsing every entry and its certificate takes several times as long as reading and
 * hashing them.
 */
import { availableParallelism } from 'node:os'
import { type SupervisedThread, superviseThread } from '@sigstack/server/thread'
import {
  encodeRequest,
  type KeyedEntry,
  type KeysReply,
  type KeysRequest,
  keysOfPage,
  type PageKeys,
  parseReply,
} from './key-messages.ts'

export type KeyThreads = {
  /** Resolves when there is room for another page. Throws what `onKeys` threw for one before, or that a thread broke. */
  push(page: readonly KeyedEntry[]): Promise<void>
  /** Resolves when the keys of every page were taken. */
  drain(): Promise<void>
  stop(): Promise<void>
}

export type KeyThreadsOptions = {
  /** Of the first shard, which names the index. */
  readonly logId: Uint8Array
  /** Takes the keys of each page; pages come in any order. */
  readonly onKeys: (keys: PageKeys) => Promise<void> | void
  /** Default: as many as there are cores, at most 8. */
  readonly threads?: number
  /** What a thread runs, for tests. */
  readonly script?: URL
}

type Thread = SupervisedThread<KeysRequest, KeysReply>

const mostThreads = 8
const pagesPerThread = 2
/** A smaller page is not worth a thread. */
const fewEntries = 512

export function createKeyThreads(options: KeyThreadsOptions): KeyThreads {
  const { logId, onKeys, threads: count = Math.min(availableParallelism(), mostThreads) } = options
  const { script = new URL('./key-worker.ts', import.meta.url) } = options
  const threads: Thread[] = []
  const working = new Set<Promise<void>>()
  let failure: { readonly error: unknown } | undefined

  function start(): Thread {
    const thread: Thread = superviseThread({
      name: 'log-search-keys',
      script,
      data: { logId },
      failureOf: (_failure, cause) =>
        cause instanceof Error ? cause : new Error('a thread that makes search keys broke off'),
    })
    threads.push(thread)
    return thread
  }

  /** The one with the least to do. */
  function choose(): Thread {
    const idle = threads.find((thread) => thread.depth() === 0)
    if (idle !== undefined) return idle
    if (threads.length < count) return start()
    return threads.reduce((least, thread) => (thread.depth() < least.depth() ? thread : least))
  }

  async function keysOf(page: readonly KeyedEntry[]): Promise<PageKeys> {
    if (page.length < fewEntries) return keysOfPage(logId, page)
    const request = encodeRequest(page)
    return parseReply(await choose().ask(request, [request.bytes.buffer]))
  }

  async function work(page: readonly KeyedEntry[]): Promise<void> {
    try {
      await onKeys(await keysOf(page))
    } catch (error) {
      failure ??= { error }
    }
  }

  function throwFailure(): void {
    if (failure !== undefined) throw failure.error
  }

  return {
    push: async (page) => {
      throwFailure()
      const done = work(page).finally(() => working.delete(done))
      working.add(done)
      while (working.size >= count * pagesPerThread) await Promise.race(working)
    },
    drain: async () => {
      await Promise.all(working)
      throwFailure()
    },
    stop: async () => {
      await Promise.all(threads.map((thread) => thread.stop()))
    },
  }
}
