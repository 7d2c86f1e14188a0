/**
 * Following the log in a thread of its own, which is there only while there is something to follow: it is started by the first turn,
 * again after it broke, and ends when it has rested for a while.
 */
import { Worker } from 'node:worker_threads'
import type { Reply, Request, ThreadData } from './messages.ts'
import type { Turn, Turns } from './turn.ts'

export type ThreadOptions = ThreadData & {
  /** Told of entries that could not be read. */
  readonly onError: (error: unknown) => void
  /** How long a thread without work is kept; default 60,000 ms. */
  readonly restMs?: number
  /** For one turn; then the thread is replaced. Default 60,000 ms. */
  readonly timeoutMs?: number
  /** What the thread runs, for tests. */
  readonly script?: URL
}

type Pending = {
  resolve(turn: Turn): void
  reject(error: Error): void
  readonly timer: NodeJS.Timeout
}

const heapLimits = { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 8 } as const
/** For a turn under way to end; then its transaction is left to be rolled back. */
const longestStopMs = 5_000

export function followInThread(options: ThreadOptions): Turns {
  const { databaseUrl, logId, onError, restMs = 60_000, timeoutMs = 60_000 } = options
  const { script = new URL('./worker.ts', import.meta.url) } = options
  let worker: Worker | undefined
  let pending: Pending | undefined
  let resting: NodeJS.Timeout | undefined

  function settle(): Pending | undefined {
    const settled = pending
    pending = undefined
    clearTimeout(settled?.timer)
    clearTimeout(resting)
    resting = setTimeout(() => void end(), restMs)
    resting.unref()
    return settled
  }

  function start(): Worker {
    const workerData: ThreadData = { databaseUrl, logId }
    const started = new Worker(script, {
      name: 'log-search',
      workerData,
      resourceLimits: heapLimits,
    })
    started.unref()
    started.on('message', (reply: Reply) => {
      if ('trouble' in reply) onError(new Error(reply.trouble))
      else if ('turn' in reply) settle()?.resolve(reply.turn)
      else settle()?.reject(new Error(reply.failed))
    })
    const broke = (cause: unknown) => {
      if (worker === started) giveUp('the thread that follows the log broke off', cause)
    }
    started.on('error', broke).on('exit', broke)
    return started
  }

  function giveUp(reason: string, cause?: unknown): void {
    const lost = worker
    worker = undefined
    settle()?.reject(new Error(reason, { cause }))
    void lost?.terminate()
  }

  async function end(): Promise<void> {
    const ended = worker
    worker = undefined
    settle()?.reject(new Error('the log is being stopped'))
    clearTimeout(resting)
    if (ended === undefined) return
    const exited = new Promise((resolve) => ended.once('exit', resolve))
    ended.postMessage('stop' satisfies Request)
    const limit = setTimeout(() => void ended.terminate(), longestStopMs)
    await exited
    clearTimeout(limit)
  }

  return {
    take: () =>
      new Promise((resolve, reject) => {
        clearTimeout(resting)
        const timer = setTimeout(() => giveUp('the thread that follows the log hangs'), timeoutMs)
        pending = { resolve, reject, timer }
        worker ??= start()
        worker.postMessage('turn' satisfies Request)
      }),
    stop: end,
  }
}
