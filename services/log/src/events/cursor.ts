/** The SQL of event delivery. */
import type { Queryable } from '@sigstack/postgres'

export const migrations = {
  component: 'log-events',
  directory: new URL('./migrations/', import.meta.url),
} as const

/** Events begin with the entries that are logged from now on. */
export async function ensureCursor(db: Queryable, logId: Uint8Array, length: bigint): Promise<void> {
  await db.query('insert into event_cursor (log_id, next_index) values ($1, $2) on conflict do nothing', [
    logId,
    length,
  ])
}

/** Where to go on, for the holder of the turn; `undefined` while another process has it. */
export async function takeLease(
  db: Queryable,
  logId: Uint8Array,
  holder: string,
  leaseMs: number,
): Promise<bigint | undefined> {
  const { rows } = await db.query<{ next_index: bigint }>(
    `update event_cursor set holder = $2, leased_until = now() + $3::int * interval '1 millisecond'
       where log_id = $1 and (holder = $2 or leased_until < now()) returning next_index`,
    [logId, holder, leaseMs],
  )
  return rows[0]?.next_index
}

/** False when the turn was lost meanwhile: another process may have delivered the same, and goes on from where it is. */
export async function moveCursor(
  db: Queryable,
  logId: Uint8Array,
  holder: string,
  from: bigint,
  next: bigint,
): Promise<boolean> {
  const { rowCount } = await db.query(
    'update event_cursor set next_index = $4 where log_id = $1 and holder = $2 and next_index = $3',
    [logId, holder, from, next],
  )
  return rowCount === 1
}

export async function endLease(db: Queryable, logId: Uint8Array, holder: string): Promise<void> {
  await db.query(`update event_cursor set leased_until = '-infinity' where log_id = $1 and holder = $2`, [
    logId,
    holder,
  ])
}
