/**
 * Large request bodies, verified in a thread of their own, so that one of 32 MiB does not keep the small ones of others waiting. The
 * thread is started when the first comes, and replaced when it fails or takes too long.
 */
import { Worker } from 'node:worker_threads'
import { LogError } from '@sigstack/log-engine'
import { EntryError, type EntryPolicy, type VerifiedEntry } from '@sigstack/rekor-entries'
import type { Outcome, Task, TaskData, TaskResult } from './messages.ts'

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

export type LargeBodyOptions = {
  readonly policy: EntryPolicy
  /** Default 262,144: what the main thread parses and hashes in about a millisecond. */
  readonly minBytes?: number
  /** Of all bodies that wait for the thread or are in it; default 128 MiB. */
  readonly mostBytes?: number
  /** For one body; default 25,000, a little less than clients wait. */
  readonly timeoutMs?: number
}

type Pending = {
  readonly bytes: number
  resolve(result: TaskResult): void
  reject(error: unknown): void
  readonly timer: NodeJS.Timeout
}

const mostHeapMb = 1024

export function openLargeBodies(options: LargeBodyOptions): LargeBodies {
  const { policy, minBytes = 262_144, mostBytes = 134_217_728, timeoutMs = 25_000 } = options
  const pending = new Map<number, Pending>()
  let worker: Worker | undefined
  let waitingBytes = 0
  let lastId = 0

  function settle(id: number): Pending | undefined {
    const found = pending.get(id)
    if (found === undefined) return undefined
    pending.delete(id)
    waitingBytes -= found.bytes
    clearTimeout(found.timer)
    return found
  }

  function failAll(reason: string): void {
    const broken = worker
    worker = undefined
    void broken?.terminate()
    for (const id of pending.keys()) settle(id)?.reject(new LogError('unavailable', reason))
  }

  function start(): Worker {
    const workerData: TaskData = { policy }
    const started = new Worker(new URL('./worker.ts', import.meta.url), {
      workerData,
      resourceLimits: { maxOldGenerationSizeMb: mostHeapMb },
    })
    // A thread that waits for work does not keep the process.
    started.unref()
    started.on('message', (result: TaskResult) => settle(result.id)?.resolve(result))
    const broke = () => {
      if (worker === started) failAll('the verification of large entries broke off; try again')
    }
    started.on('error', broke).on('exit', broke)
    return started
  }

  function run(task: Task['task'], body: Uint8Array): Promise<TaskResult> {
    if (waitingBytes + body.length > mostBytes) {
      throw new LogError('queue_full', 'too many large entries are being verified; try again')
    }
    const id = ++lastId
    const size = body.length
    waitingBytes += size
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => failAll('the verification of a large entry took too long; try again'),
        timeoutMs,
      )
      pending.set(id, { bytes: size, resolve, reject, timer })
      worker ??= start()
      // The request's body is a buffer of its own, unless it is a slice of another.
      const isOwn = body.byteLength === body.buffer.byteLength
      const bytes = isOwn ? body : Uint8Array.from(body)
      worker.postMessage({ id, task, bytes } satisfies Task, [bytes.buffer as ArrayBuffer])
    })
  }

  return {
    minBytes,
    verifyEntry: async (body) => {
      const result = await run('entry', body)
      if ('badJson' in result) return undefined
      if ('entry' in result) return unwrap(result.entry)
      throw new Error('failed' in result ? result.failed : 'the thread answered another task')
    },
    verifyQuery: async (body) => {
      const result = await run('query', body)
      if ('badJson' in result) return undefined
      if ('query' in result) {
        return { query: result.query, entries: result.entries.map((outcome) => () => unwrap(outcome)) }
      }
      throw new Error('failed' in result ? result.failed : 'the thread answered another task')
    },
    stop: async () => {
      const running = worker
      failAll('the log is being stopped')
      await running?.terminate()
    },
  }
}

function unwrap(outcome: Outcome<VerifiedEntry>): VerifiedEntry {
  if ('value' in outcome) return outcome.value
  const { code, message, schemaFault } = outcome.refusal
  throw new EntryError(code, message, schemaFault === undefined ? {} : { schemaFault })
}
