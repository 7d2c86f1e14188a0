/**
 * Search keys of a whole log, on all cores: parsing every entry and its certificate takes several times as long as reading and
 * hashing them.
 */
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import {
  encodeRequest,
  type KeyedEntry,
  type KeysReply,
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

type Thread = { readonly worker: Worker; readonly waiting: Map<number, Waiting> }
type Waiting = { resolve(reply: KeysReply): void; reject(error: unknown): void }

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
  let nextId = 0

  function start(): Thread {
    const worker = new Worker(script, { name: 'log-search-keys', workerData: { logId } })
    const waiting = new Map<number, Waiting>()
    worker.on('message', (reply: KeysReply) => {
      waiting.get(reply.id)?.resolve(reply)
      waiting.delete(reply.id)
    })
    const broke = (reason: unknown) => {
      const error = reason instanceof Error ? reason : new Error('a thread that makes search keys broke off')
      for (const { reject } of waiting.values()) reject(error)
      waiting.clear()
    }
    worker.on('error', broke).on('exit', broke)
    const thread = { worker, waiting }
    threads.push(thread)
    return thread
  }

  /** The one with the least to do. */
  function choose(): Thread {
    const idle = threads.find(({ waiting }) => waiting.size === 0)
    if (idle !== undefined) return idle
    if (threads.length < count) return start()
    return threads.reduce((least, thread) => (thread.waiting.size < least.waiting.size ? thread : least))
  }

  async function keysOf(page: readonly KeyedEntry[]): Promise<PageKeys> {
    if (page.length < fewEntries) return keysOfPage(logId, page)
    const request = encodeRequest(nextId++, page)
    const { worker, waiting } = choose()
    const reply = new Promise<KeysReply>((resolve, reject) => {
      waiting.set(request.id, { resolve, reject })
    })
    worker.postMessage(request, [request.bytes.buffer])
    return parseReply(await reply)
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
      await Promise.all(threads.map(({ worker }) => worker.terminate()))
    },
  }
}
