/** Following the log in a thread of its own, which is there only while there is something to follow. */
import { superviseThread } from '@sigstack/server/thread'
import type { ThreadData, Trouble } from './messages.ts'
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

const failures = {
  broke_off: 'the thread that follows the log broke off',
  closed: 'the log is stopped',
  stopped: 'the log is being stopped',
  too_long: 'the thread that follows the log hangs',
} as const

export function followInThread(options: ThreadOptions): Turns {
  const { databaseUrl, name = 'rekor-v1', logId, onError, restMs = 60_000, timeoutMs = 60_000 } = options
  const { script = new URL('./worker.ts', import.meta.url) } = options
  const thread = superviseThread<'turn', Turn>({
    name: 'log-search',
    script,
    data: { databaseUrl, name, logId } satisfies ThreadData,
    resourceLimits: { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 8 },
    timeoutMs,
    restMs,
    // For a turn under way to end; then its transaction is left to be rolled back.
    graceMs: 5_000,
    onNews: (news) => onError(new Error((news as Trouble).trouble)),
    failureOf: (failure, cause) => new Error(failures[failure], { cause }),
  })
  return {
    take: async () => {
      if (thread.depth() > 0) throw new Error('turns are taken one at a time')
      return thread.ask('turn')
    },
    stop: thread.stop,
  }
}
