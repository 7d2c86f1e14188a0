/**
 * What is forgotten of heads that are not judged. A log that proves nothing, and gives no entries, could else make the monitor keep as many
 * as it likes to sign, and ask for a proof of each at each look.
 */
import type { Queryable } from '@sigstack/postgres'

/** Of a log that has one tree; those of several share it. */
const mostOfLog = 1_000
/** Room for those that are always kept, and for some between them. */
const leastOfTree = 10

/** How many heads of each tree of a log may wait to be judged. */
export function mostPending(trees: number): number {
  return Math.max(leastOfTree, Math.floor(mostOfLog / trees))
}

/** Rows of one statement. */
const mostAtOnce = 1_000

/**
 * Forgets every second head that is not judged, by size, until there are `most` at the most: so what stays is spread over all that was
 * shown. The heads that were shown first and last stay, the largest, and the first of those for whose size another root was shown, of as
 * many sizes as a quarter of `most`. Each statement is small. Returns how many are gone.
 */
export async function thinPending(
  db: Queryable,
  treeId: bigint,
  most: number,
  signal: AbortSignal,
): Promise<number> {
  const kept = await keptSizes(db, treeId, Math.floor(most / 4))
  let gone = 0
  while ((await countPending(db, treeId)) > most) {
    const removed = await halvePending(db, treeId, kept, signal)
    // Another process was faster.
    if (removed === 0) return gone
    gone += removed
  }
  return gone
}

async function countPending(db: Queryable, treeId: bigint): Promise<number> {
  const { rows } = await db.query<{ count: bigint }>(
    `select count(*) as count from monitor_head where tree_id = $1 and verdict = 'pending'`,
    [treeId],
  )
  return Number(rows[0]?.count ?? 0n)
}

async function keptSizes(db: Queryable, treeId: bigint, mostRivals: number): Promise<readonly bigint[]> {
  const { rows } = await db.query<{ size: bigint }>(
    `with pending as (select size, root_hash, seen_at from monitor_head where tree_id = $1 and verdict = 'pending')
     (select size from pending order by seen_at, size limit 1)
     union (select size from pending order by seen_at desc, size desc limit 1)
     union (select max(size) from pending)
     union (select size from pending p where exists (
       select from monitor_head other
       where other.tree_id = $1 and other.size = p.size and other.root_hash <> p.root_hash)
       order by seen_at, size limit $2)`,
    [treeId, mostRivals],
  )
  return rows.map(({ size }) => size)
}

/** From the smallest to the largest, a piece at a time. */
async function halvePending(
  db: Queryable,
  treeId: bigint,
  kept: readonly bigint[],
  signal: AbortSignal,
): Promise<number> {
  let gone = 0
  let after = -1n
  for (;;) {
    signal.throwIfAborted()
    const { rows } = await db.query<{ last: bigint | null; gone: bigint }>(
      // By ctid: joined by the key, the planner compares each head with each where it knows nothing of the table yet.
      `with piece as (
         select ctid, size, row_number() over (order by size, root_hash) as rank
         from monitor_head
         where tree_id = $1 and verdict = 'pending' and size > $2 and size <> all($3::bigint[])
         order by size, root_hash limit $4),
       gone as (
         delete from monitor_head
         where ctid = any(array(select ctid from piece where rank % 2 = 0)) and verdict = 'pending'
         returning size)
       select (select max(size) from piece) as last, (select count(*) from gone) as gone`,
      [treeId, after, kept, mostAtOnce],
    )
    const [piece] = rows
    if (piece === undefined || piece.last === null) return gone
    gone += Number(piece.gone)
    after = piece.last
  }
}
