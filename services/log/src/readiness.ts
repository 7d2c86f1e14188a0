import { LogError, type LogReader } from '@sigstack/log-engine'
import type { Pool } from '@sigstack/postgres'
import type { Readiness } from '@sigstack/server'
import type { LineTrouble } from './line/open-line.ts'
import type { RoomWatch } from './room.ts'

export type ReadinessOptions = {
  readonly pool: Pool
  readonly room: Pick<RoomWatch, 'isFull'>
  readonly log: Pick<LogReader, 'checkpoint'>
  /** What an operator should know and no writer waits for. */
  readonly more: () => Readiness['checks']
}

/**
 * Ready is what could answer a writer now: the database answers and has room for his entry, its tree extends what was signed, and the key
 * signs it. Readers are answered without room and without the key.
 */
export async function readinessOf({ pool, room, log, more }: ReadinessOptions): Promise<Readiness> {
  try {
    await pool.query('select 1')
  } catch {
    return { ready: false, checks: { database: 'cannot be reached' } }
  }
  const isFull = room.isFull()
  const database = isFull ? 'has no room: new entries are refused, those in the log are served' : 'ok'
  try {
    // Signed once for each size, so asking costs nothing while the log rests.
    await log.checkpoint()
    return { ready: !isFull, checks: { database, checkpoint: 'ok', ...more() } }
  } catch (error) {
    const isForked = error instanceof LogError && error.code === 'inconsistent'
    const checkpoint = isForked ? 'the database shows another history than was signed' : 'cannot be signed'
    return { ready: false, checks: { database, checkpoint } }
  }
}

/** Search that lags makes no writer wait, so it is told and no more. */
export function searchCheck(backlog: bigint): string {
  return backlog === 0n ? 'ok' : `entries to index: ${backlog}`
}

/** As little does he wait for the key that is prepared to come next. */
export function nextKeyCheck(trouble: string | undefined): Readiness['checks'] {
  return trouble === undefined ? {} : { nextKey: `cannot be opened here: ${trouble}` }
}

/** Writers of a log that follows and is not open here are told to come again, and may reach another replica then. */
export function lineChecks({ later, nextKey }: LineTrouble): Readiness['checks'] {
  return {
    ...(later !== undefined && { laterLogs: `cannot be opened here: ${later}` }),
    ...nextKeyCheck(nextKey),
  }
}
