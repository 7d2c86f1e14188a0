/** The end of a log that is followed by another one, and not by a next shard: its last entry, once and for all. */
import { freezeLog, listShards, migrateLogs } from '@sigstack/log-engine'
import type { Pool } from '@sigstack/postgres'
import { RekorLogError } from '../errors.ts'

export type FrozenLog = { readonly origin: string; readonly size: bigint; readonly frozenAt: Date }

/** Throws RekorLogError `not_freezable` for a log that is rolled over instead, and what the engine says of one that is not there or frozen. */
export async function freeze(pool: Pool, log: string): Promise<FrozenLog> {
  if (!/^rekor-v2(\/|$)/.test(log))
    throw new RekorLogError(
      'not_freezable',
      `logs of Rekor v2 are frozen, and ${log} is none: a log of Rekor v1 is rolled over, one of CT is closed by mode read-only`,
    )
  await migrateLogs(pool)
  await freezeLog(pool, log)
  const last = (await listShards(pool, log)).at(-1)
  if (last?.finalSize === undefined || last.frozenAtMs === undefined)
    throw new Error('the log was not frozen')
  return { origin: last.origin, size: last.finalSize, frozenAt: new Date(last.frozenAtMs) }
}
