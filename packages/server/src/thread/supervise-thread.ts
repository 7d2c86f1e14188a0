/**
 * A thread that answers requests, one after another; what runs in it is `answerRequests`. It is started by its first request, and ends
 * when it has rested for a while. A request that takes too long, or at which the thread breaks off, fails alone: the thread is replaced,
 * and those behind it go on in the next.
 */
import { type ResourceLimits, Worker } from 'node:worker_threads'
import type { Asked, Told } from './messages.ts'

export type SupervisedThread<Request, Answer> = {
  /** Rejects with what {@link SuperviseOptions.failureOf} makes of a failure of the thread, or with an error like the one thrown in it. */
  ask(request: Request, transfer?: readonly ArrayBuffer[]): Promise<Answer>
  /** Whether it would begin at once. A thread that is not there yet is started. */
  isReady(): boolean
  /** Requests in it or waiting for it. */
  depth(): number
  /** What waits fails, and so does what is asked later. Resolves when the thread has ended. */
  stop(): Promise<void>
}

/** `closed`: asked after the stop; `stopped`: waiting at the stop. */
export type ThreadFailure = 'broke_off' | 'closed' | 'stopped' | 'too_long'

export type SuperviseOptions = {
  readonly name: string
  readonly script: URL
  /** Its `workerData`. */
  readonly data?: unknown
  readonly resourceLimits?: ResourceLimits
  /** For a request, from when its turn has come; without end when left out. */
  readonly timeoutMs?: number
  /** For the thread to start; as `timeoutMs` when left out. */
  readonly startMs?: number
  /** How long a thread without work is kept; until the stop when left out. */
  readonly restMs?: number
  /** For what the thread puts away at its end; default 0: it is cut off. */
  readonly graceMs?: number
  /** What the thread tells unasked. */
  readonly onNews?: (news: unknown) => void
  /** What is told to who waits. `cause` is what broke the thread, or the status that it ended with. */
  readonly failureOf: (failure: ThreadFailure, cause?: unknown) => Error
}

type Pending<Request, Answer> = {
  readonly id: number
  readonly request: Request
  readonly transfer: readonly ArrayBuffer[]
  isPosted: boolean
  resolve(answer: Answer): void
  reject(error: Error): void
}

/** While one is worked on the next is at hand. */
const mostPosted = 2

export function superviseThread<Request, Answer>(
  options: SuperviseOptions,
): SupervisedThread<Request, Answer> {
  const { name, script, data, resourceLimits, failureOf, onNews } = options
  const { timeoutMs, startMs = timeoutMs, restMs, graceMs = 0 } = options
  // In the order in which they are worked on; the first is the one that is.
  const pending: Pending<Request, Answer>[] = []
  let worker: Worker | undefined
  let timer: NodeJS.Timeout | undefined
  let lastId = 0
  let isReady = false
  let isStopped = false

  /** Another is the first: it gets its time, or nothing is left to do. */
  function advance(): void {
    clearTimeout(timer)
    if (pending.length > 0) {
      post()
      const limitMs = isReady ? timeoutMs : startMs
      if (limitMs !== undefined) timer = setTimeout(() => replace('too_long'), limitMs)
    } else if (worker !== undefined) {
      // A thread that waits for work does not keep the process.
      worker.unref()
      if (restMs !== undefined) timer = setTimeout(() => void end(graceMs), restMs).unref()
    }
  }

  function post(): void {
    worker ??= start()
    worker.ref()
    for (const one of pending.slice(0, mostPosted)) {
      if (one.isPosted) continue
      one.isPosted = true
      const { id, request, transfer } = one
      worker.postMessage({ id, request } satisfies Asked<Request>, [...transfer])
    }
  }

  function start(): Worker {
    const started = new Worker(script, {
      name,
      workerData: data,
      ...(resourceLimits !== undefined && { resourceLimits }),
    })
    started.unref()
    started.on('message', (told: Told<Answer>) => {
      if ('news' in told) return onNews?.(told.news)
      if (worker !== started) return
      if ('isReady' in told) isReady = true
      else settle(told)
      advance()
    })
    let fault: unknown
    started.on('error', (error) => {
      fault = error
    })
    // Only then: an error may overtake the answers before it.
    started.on('exit', (status) => {
      if (worker === started) replace('broke_off', fault ?? status)
    })
    return started
  }

  function settle(told: Extract<Told<Answer>, { id: number }>): void {
    const at = pending.findIndex(({ id }) => id === told.id)
    const [asked] = at === -1 ? [] : pending.splice(at, 1)
    if ('answer' in told) asked?.resolve(told.answer)
    else asked?.reject(Object.assign(new Error(told.failed.message), told.failed))
  }

  /** The first is given up, and those behind it go to another thread. */
  function replace(failure: ThreadFailure, cause?: unknown): void {
    void end(0)
    for (const [at, one] of pending.splice(0).entries()) {
      // What changed hands is lost with the thread.
      if (at === 0 || (one.isPosted && one.transfer.length > 0)) one.reject(failureOf(failure, cause))
      else pending.push({ ...one, isPosted: false })
    }
    advance()
  }

  async function end(withinMs: number): Promise<void> {
    clearTimeout(timer)
    const ended = worker
    // Before that it has nothing to put away, and on a busy machine it may take long until it hears of its end.
    const hasBegun = isReady
    worker = undefined
    isReady = false
    if (ended === undefined) return
    if (withinMs > 0 && hasBegun) {
      const exited = new Promise((resolve) => ended.once('exit', resolve))
      ended.postMessage({ end: true } satisfies Asked<Request>)
      const limit = setTimeout(() => void ended.terminate(), withinMs)
      await exited
      clearTimeout(limit)
    } else await ended.terminate()
  }

  return {
    ask: (request, transfer = []) =>
      new Promise((resolve, reject) => {
        if (isStopped) throw failureOf('closed')
        pending.push({ id: ++lastId, request, transfer, isPosted: false, resolve, reject })
        if (pending.length === 1) advance()
        else post()
      }),
    isReady: () => {
      if (!isStopped) worker ??= start()
      return isReady
    },
    depth: () => pending.length,
    stop: async () => {
      isStopped = true
      const ending = end(graceMs)
      for (const { reject } of pending.splice(0)) reject(failureOf('stopped'))
      await ending
    },
  }
}
