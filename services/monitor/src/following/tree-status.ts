/** What is known of the followed trees, for people. */
import type { Hash } from '@sigstack/merkle'
import type { Queryable } from '@sigstack/postgres'
import type { LogKind, TreeStatus } from './tree.ts'

type Row = {
  readonly tree_id: bigint
  readonly log_name: string
  readonly shard: string
  readonly kind: LogKind
  readonly url: string
  readonly origin: string | null
  readonly size: bigint
  readonly root_hash: Buffer
  readonly verified_at: Date | null
  readonly reached: bigint
  readonly newest_size: bigint | null
  readonly newest_root: Buffer | null
  readonly newest_at: Date | null
  readonly heads: bigint
  readonly is_inconsistent: boolean
}

/** By name and shard. */
export async function readTreeStatuses(db: Queryable): Promise<readonly TreeStatus[]> {
  const { rows } = await db.query<Row>(
    `select t.tree_id, log_name, shard, kind, url, origin, t.size, t.root_hash, verified_at, reached,
       n.size as newest_size, n.root_hash as newest_root, n.seen_at as newest_at,
       (select count(*) from monitor_head h where h.tree_id = t.tree_id) as heads,
       exists (select from monitor_head h where h.tree_id = t.tree_id and verdict = 'inconsistent') as is_inconsistent
     from monitor_tree t left join lateral (
       select size, root_hash, seen_at from monitor_head h where h.tree_id = t.tree_id
       order by size desc, seen_at desc limit 1) n on true
     order by log_name, shard`,
  )
  return rows.map(statusOf)
}

function statusOf(row: Row): TreeStatus {
  const { newest_size: size, newest_root: root, newest_at: seenAt } = row
  const newest =
    size === null || root === null || seenAt === null
      ? undefined
      : { size, rootHash: root as Uint8Array as Hash, seenAt }
  return {
    id: row.tree_id,
    logName: row.log_name,
    shard: row.shard,
    kind: row.kind,
    url: row.url,
    origin: row.origin ?? undefined,
    state: stateOf(row, newest?.size),
    verified: { size: row.size, rootHash: row.root_hash as Uint8Array as Hash },
    verifiedAt: row.verified_at ?? undefined,
    reached: row.reached,
    newest,
    heads: row.heads,
  }
}

function stateOf(row: Row, newest: bigint | undefined): TreeStatus['state'] {
  if (row.is_inconsistent) return 'inconsistent'
  if (newest === undefined) return 'unseen'
  return newest > row.size ? 'behind' : 'following'
}
