/** The SQL of event delivery. */
import type { Queryable } from '@sigstack/postgres'

export const migrations = {
  component: 'log-events',
  directory: new URL('./migrations/', import.meta.url),
} as const

export type Receiver = 'webhook' | 'stream'

/** Whose events, and to whom. */
export type CursorKey = { readonly logId: Uint8Array; readonly receiver: Receiver }

/** Events begin with the entries that are logged from now on. */
export async function ensureCursor(
  db: Queryable,
  { logId, receiver }: CursorKey,
  length: bigint,
): Promise<void> {
  await db.query(
    'insert into event_cursor (log_id, receiver, next_index) values ($1, $2, $3) on conflict do nothing',
    [logId, receiver, length],
  )
}

/** The first index that is not delivered yet. */
export async function readCursor(db: Queryable, { logId, receiver }: CursorKey): Promise<bigint> {
  const { rows } = await db.query<{ next_index: bigint }>(
    'select next_index from event_cursor where log_id = $1 and receiver = $2',
    [logId, receiver],
  )
  const [row] = rows
  if (row === undefined) throw new Error(`the cursor of the ${receiver} is gone`)
  return row.next_index
}

/** Where to go on, for the holder of the turn; `undefined` while another process has it. */
export async function takeLease(
  db: Queryable,
  { logId, receiver }: CursorKey,
  holder: string,
  leaseMs: number,
): Promise<bigint | undefined> {
  const { rows } = await db.query<{ next_index: bigint }>(
    `update event_cursor set holder = $3, leased_until = now() + $4::int * interval '1 millisecond'
       where log_id = $1 and receiver = $2 and (holder = $3 or leased_until < now()) returning next_index`,
    [logId, receiver, holder, leaseMs],
  )
  return rows[0]?.next_index
}

/** False when the turn was lost meanwhile: another process may have delivered the same, and goes on from where it is. */
export async function moveCursor(
  db: Queryable,
  { logId, receiver }: CursorKey,
  holder: string,
  from: bigint,
  next: bigint,
): Promise<boolean> {
  const { rowCount } = await db.query(
    'update event_cursor set next_index = $5 where log_id = $1 and receiver = $2 and holder = $3 and next_index = $4',
    [logId, receiver, holder, from, next],
  )
  return rowCount === 1
}

export async function endLease(db: Queryable, { logId, receiver }: CursorKey, holder: string): Promise<void> {
  await db.query(
    `update event_cursor set leased_until = '-infinity' where log_id = $1 and receiver = $2 and holder = $3`,
    [logId, receiver, holder],
  )
}
