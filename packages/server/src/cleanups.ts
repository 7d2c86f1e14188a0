/** What was opened, to be closed again in the opposite order: each of it, whatever the others say. */
import { reasonOf } from '@sigstack/crypto'
import { ServerError } from './errors.ts'

export type Cleanup = () => Promise<void> | void

export type Cleanups = {
  /** Run before everything that was added earlier. */
  add(cleanup: Cleanup): void
  /**
   * Runs all of them, also when some fail or hang; then an AggregateError tells of those. Who calls while it runs waits for the same;
   * who calls after a failure has what failed tried again.
   */
  run(): Promise<void>
}

export type CleanupsOptions = {
  /** How long one may hold up the next. Default 15,000 ms: half of what `runService` gives the whole. */
  readonly limitMs?: number
}

export function createCleanups({ limitMs = 15_000 }: CleanupsOptions = {}): Cleanups {
  let waiting: Cleanup[] = []
  let running: Promise<void> | undefined

  async function runAll(): Promise<void> {
    const failed: Cleanup[] = []
    const errors: unknown[] = []
    // One at a time: the last one opened uses those before it. More may be added while they run.
    for (let cleanup = waiting.pop(); cleanup !== undefined; cleanup = waiting.pop()) {
      try {
        await within(limitMs, cleanup)
      } catch (error) {
        failed.unshift(cleanup)
        errors.push(error)
      }
    }
    waiting = failed
    if (errors.length > 0) throw new AggregateError(errors, `not all was stopped: ${reasonsOf(errors)}`)
  }

  return {
    add: (cleanup) => {
      waiting.push(cleanup)
    },
    run: () => {
      running ??= runAll().finally(() => {
        running = undefined
      })
      return running
    },
  }
}

async function within(limitMs: number, cleanup: Cleanup): Promise<void> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    late.reject(new ServerError('stop_timed_out', `a part of it did not stop within ${limitMs} ms`))
  }, limitMs)
  try {
    await Promise.race([cleanup(), late.promise])
  } finally {
    clearTimeout(timer)
  }
}

function reasonsOf(errors: readonly unknown[]): string {
  return errors.map(reasonOf).join('; ')
}
