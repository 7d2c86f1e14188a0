/** Whether a log takes new entries: kept in the database, obeyed by every replica with its next batch. */
import { type LogMode, listShards, migrateLogs, setMode } from '@sigstack/log-engine'
import type { Pool } from '@sigstack/postgres'

export type ModeOfLog = {
  /** Of this log among all in the database, as its series is named: `rekor-v1`, `ct`. */
  readonly log: string
  /** `frozen`: it has its last entry. */
  readonly mode: LogMode | 'frozen'
  readonly reason: string | undefined
}

export async function changeMode(
  pool: Pool,
  log: string,
  mode: LogMode,
  reason: string | undefined,
): Promise<void> {
  await migrateLogs(pool)
  await setMode(pool, log, mode, reason)
}

/** `undefined` when the database holds no such log. */
export async function readMode(pool: Pool, log: string): Promise<ModeOfLog | undefined> {
  await migrateLogs(pool)
  const active = (await listShards(pool, log)).at(-1)
  if (active === undefined) return undefined
  return active.finalSize === undefined
    ? { log, mode: active.mode, reason: active.modeReason }
    : { log, mode: 'frozen', reason: undefined }
}
