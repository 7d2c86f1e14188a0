/**
 * What is forgotten of tree heads: not the memory of a history, but how often it was looked at. A head that fits is proved by every larger
 * one of the same history, since that commits to all of its leaves; so of old ones some are enough, and what proves a fork stays.
 */
import type { Queryable } from '@sigstack/postgres'

const dayMs = 86_400_000

/**
 * Forgets heads that were judged and are older than `days`, but for the largest of each hour, of each place and verdict, and for each whose
 * size has another root or is that of the tree that is verified. Heads that are not judged yet stay. A statement for each day, since there
 * may be years of them. Returns how many are gone.
 */
export async function thinHeads(db: Queryable, days: number, signal: AbortSignal): Promise<number> {
  const { rows } = await db.query<{ oldest: Date | null; until: Date }>(
    `select date_trunc('day', min(seen_at), 'UTC') as oldest, now() - make_interval(days => $1) as until
     from monitor_head where verdict <> 'pending'`,
    [days],
  )
  const [{ oldest, until } = { oldest: null, until: new Date(0) }] = rows
  if (oldest === null) return 0
  let gone = 0
  for (let fromMs = oldest.getTime(); fromMs < until.getTime(); fromMs += dayMs) {
    signal.throwIfAborted()
    gone += await thinBetween(db, new Date(fromMs), new Date(Math.min(fromMs + dayMs, until.getTime())))
  }
  return gone
}

/** Seen from `from` to before `to`. */
async function thinBetween(db: Queryable, from: Date, to: Date): Promise<number> {
  const { rowCount } = await db.query(
    `delete from monitor_head h using (
       select tree_id, size, root_hash, row_number() over (
         partition by tree_id, shown_at, verdict, date_trunc('hour', seen_at, 'UTC')
         order by size desc, seen_at) as rank
       from monitor_head where verdict <> 'pending' and seen_at >= $1 and seen_at < $2) old
     where old.rank > 1 and (h.tree_id, h.size, h.root_hash) = (old.tree_id, old.size, old.root_hash)
       and not exists (select from monitor_head other
         where other.tree_id = h.tree_id and other.size = h.size and other.root_hash <> h.root_hash)
       and not exists (select from monitor_tree t where t.tree_id = h.tree_id and t.size = h.size)`,
    [from, to],
  )
  return rowCount ?? 0
}
