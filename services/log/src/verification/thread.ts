/**
 * A thread that verifies. It is started by its first task, replaced when it fails or takes too long, and ends when it has rested for a
 * while: whoever logs an entry a minute should not pay for it.
 */
import { Worker } from 'node:worker_threads'
import { LogError } from '@sigstack/log-engine'
import type { EntryPolicy } from '@sigstack/rekor-entries'
import type { Answer, Reply, Request, Task, ThreadData } from './messages.ts'

export type VerificationThread = {
  /** Throws LogError `unavailable` when the thread breaks off or takes too long. */
  run(task: Task, transfer?: readonly ArrayBuffer[]): Promise<Answer>
  /** Whether it would begin at once. A thread that is not there yet is started, which takes a quarter of a second. */
  isReady(): boolean
  /** Tasks in it or waiting for it. */
  depth(): number
  stop(): Promise<void>
}

export type ThreadOptions = {
  readonly policy: EntryPolicy
  /** For one task; default 25,000, a little less than clients wait. */
  readonly timeoutMs?: number
  /** How long a thread without work is kept; default 60,000. */
  readonly restMs?: number
}

type Pending = {
  resolve(answer: Answer): void
  reject(error: unknown): void
  readonly timer: NodeJS.Timeout
}

const heapLimits = { maxOldGenerationSizeMb: 1024, maxYoungGenerationSizeMb: 16 } as const

export function openThread({
  policy,
  timeoutMs = 25_000,
  restMs = 60_000,
}: ThreadOptions): VerificationThread {
  const pending = new Map<number, Pending>()
  let worker: Worker | undefined
  let resting: NodeJS.Timeout | undefined
  let lastId = 0
  let ready = false
  let stopped = false

  function settle(id: number): Pending | undefined {
    const found = pending.get(id)
    pending.delete(id)
    clearTimeout(found?.timer)
    if (pending.size === 0) rest()
    return found
  }

  function rest(): void {
    clearTimeout(resting)
    resting = setTimeout(() => void end(), restMs)
    resting.unref()
  }

  function failAll(reason: string): void {
    void end()
    for (const id of pending.keys()) settle(id)?.reject(new LogError('unavailable', reason))
  }

  async function end(): Promise<void> {
    clearTimeout(resting)
    const ended = worker
    worker = undefined
    ready = false
    await ended?.terminate()
  }

  function start(): Worker {
    const workerData: ThreadData = { policy }
    const started = new Worker(new URL('./worker.ts', import.meta.url), {
      name: 'log-verify',
      workerData,
      resourceLimits: heapLimits,
    })
    // A thread that waits for work does not keep the process.
    started.unref()
    started.on('message', (reply: Reply) => {
      if ('isReady' in reply) {
        if (worker !== started) return
        ready = true
        if (pending.size === 0) rest()
        return
      }
      const asked = settle(reply.id)
      if ('answer' in reply) asked?.resolve(reply.answer)
      else asked?.reject(new Error(reply.failed))
    })
    const broke = () => {
      if (worker === started) failAll('the verification of entries broke off; try again')
    }
    started.on('error', broke).on('exit', broke)
    return started
  }

  return {
    run: (task, transfer = []) =>
      new Promise((resolve, reject) => {
        if (stopped) throw new LogError('closed', 'the log is shutting down')
        const id = ++lastId
        const timer = setTimeout(
          () => failAll('the verification of an entry took too long; try again'),
          timeoutMs,
        )
        pending.set(id, { resolve, reject, timer })
        clearTimeout(resting)
        worker ??= start()
        worker.postMessage({ id, task } satisfies Request, [...transfer])
      }),
    isReady: () => {
      if (!stopped) worker ??= start()
      return ready
    },
    depth: () => pending.size,
    stop: async () => {
      stopped = true
      const ending = end()
      failAll('the log is being stopped')
      clearTimeout(resting)
      await ending
    },
  }
}
