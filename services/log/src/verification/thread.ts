/** A thread that verifies, one task after another. Whoever logs an entry a minute does not pay for it: it ends when it has rested. */
import { RekorLogError } from '@sigstack/rekor-log'
import { type SupervisedThread, superviseThread, type ThreadFailure } from '@sigstack/server/thread'
import type { Answer, Request, Task, TextPolicy, ThreadData } from './messages.ts'

export type VerificationThread = Omit<SupervisedThread<Request, Answer>, 'ask'> & {
  /** Throws {@link VerificationOverrun} when the thread breaks off at this task or it takes too long. */
  run(task: Task, transfer?: readonly ArrayBuffer[]): Promise<Answer>
}

export type ThreadOptions = {
  readonly policy: TextPolicy
  /** For one task, from when its turn has come; default 5,000: a proposal's work is bounded, and takes milliseconds. */
  readonly timeoutMs?: number
  /** For a thread to start; default 20,000. */
  readonly startMs?: number
  /** How long a thread without work is kept; default 60,000. */
  readonly restMs?: number
  /** What runs in the thread; ./worker.ts when left out. */
  readonly worker?: URL
}

/** This very task was too much for the thread. */
export class VerificationOverrun extends RekorLogError {}

export function openThread({
  policy: { now, ...policy },
  timeoutMs = 5_000,
  startMs = 20_000,
  restMs = 60_000,
  worker: script = new URL('./worker.ts', import.meta.url),
}: ThreadOptions): VerificationThread {
  const { ask, ...thread } = superviseThread<Request, Answer>({
    name: 'log-verify',
    script,
    data: { policy } satisfies ThreadData,
    resourceLimits: { maxOldGenerationSizeMb: 1024, maxYoungGenerationSizeMb: 48 },
    timeoutMs,
    startMs,
    restMs,
    failureOf,
  })
  return { ...thread, run: (task, transfer) => ask({ atMs: now().getTime(), task }, transfer) }
}

function failureOf(failure: ThreadFailure): RekorLogError {
  switch (failure) {
    case 'broke_off':
      return new VerificationOverrun('unavailable', 'the verification of entries broke off; try again')
    case 'too_long':
      return new VerificationOverrun('unavailable', 'the verification of an entry took too long; try again')
    case 'stopped':
      return new RekorLogError('unavailable', 'the log is being stopped')
    case 'closed':
      return new RekorLogError('closed', 'the log is shutting down')
  }
}
