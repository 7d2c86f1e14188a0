/**
 * A pool for work of hours, which should not be lost to a moment in which the database had no connection to give. Only what was never
 * begun is tried again: a connection that breaks in use may have done what it was asked, and is the caller's to judge.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Pool, PostgresError } from '@sigstack/postgres'

export type Patience = {
  /** Told before each pause, with the trouble as a sentence. */
  readonly onTrouble?: (reason: string, pauseMs: number) => void
  readonly pause?: (ms: number) => Promise<unknown>
}

/** Before each further try of one statement or connection, in milliseconds; half a minute in all, and the waits of the pool itself. */
const pausesMs = [1_000, 2_000, 4_000, 8_000, 16_000] as const

/** Throws as `pool` does: `unavailable` after the last try, everything else at once. */
export function patientPool(pool: Pool, { onTrouble = () => {}, pause = sleep }: Patience = {}): Pool {
  async function patiently<Result>(work: () => Promise<Result>): Promise<Result> {
    for (const pauseMs of pausesMs) {
      try {
        return await work()
      } catch (error) {
        if (!(error instanceof PostgresError) || error.code !== 'unavailable') throw error
        onTrouble(error.message, pauseMs)
        await pause(pauseMs)
      }
    }
    return work()
  }
  return {
    ...pool,
    query: (statement, values) => patiently(() => pool.query(statement, values)),
    connect: () => patiently(() => pool.connect()),
  }
}
