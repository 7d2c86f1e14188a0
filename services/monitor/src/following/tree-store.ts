/** What is remembered of a tree: its own state, and every head that was shown. */
import { emptyTree, type Hash, type Tree, type TreeHead } from '@sigstack/merkle'
import type { Pool, Queryable } from '@sigstack/postgres'
import { badAnswer } from './ask.ts'
import { decodeEdge, encodeEdge } from './edge-bytes.ts'
import type { ShownHead } from './source.ts'
import type { LogKind } from './tree.ts'

export type KnownTree = {
  /** Every leaf of it was hashed, and a signed head has its root. */
  readonly verified: TreeHead
  /** Read further than that, for the next head. */
  readonly reached: Tree
}

export type Verdict = 'pending' | 'consistent' | 'inconsistent'

export type KeptHead = TreeHead & { readonly note: string; readonly shownAt: string }

/** The tree of this log and shard, begun when it is seen for the first time. */
export async function ensureTree(
  db: Queryable,
  tree: { readonly logName: string; readonly shard: string; readonly kind: LogKind; readonly url: string },
): Promise<bigint> {
  const known = await db.query<{ tree_id: bigint; url: string }>(
    'select tree_id, url from monitor_tree where log_name = $1 and shard = $2',
    [tree.logName, tree.shard],
  )
  // A look at a log that does not grow writes nothing.
  if (known.rows[0]?.url === tree.url) return known.rows[0].tree_id
  const { rows } = await db.query<{ tree_id: bigint }>(
    `insert into monitor_tree (log_name, shard, kind, url, root_hash, edge, reached_edge)
     values ($1, $2, $3, $4, $5, '', '') on conflict (log_name, shard) do update set url = excluded.url
     returning tree_id`,
    [tree.logName, tree.shard, tree.kind, tree.url, Buffer.from(emptyTree.rootHash)],
  )
  if (rows[0] === undefined) throw new Error('a tree was neither found nor begun')
  return rows[0].tree_id
}

/** Shards of a log that were followed before, with how many entries of each were read. */
export async function knownShards(db: Queryable, logName: string): Promise<ReadonlyMap<string, bigint>> {
  const { rows } = await db.query<{ shard: string; size: bigint }>(
    'select shard, size from monitor_tree where log_name = $1 order by tree_id',
    [logName],
  )
  return new Map(rows.map(({ shard, size }) => [shard, size]))
}

export async function readTree(db: Queryable, treeId: bigint): Promise<KnownTree> {
  const { rows } = await db.query<{
    readonly size: bigint
    readonly root_hash: Buffer
    readonly reached: bigint
    readonly reached_edge: Buffer
  }>('select size, root_hash, reached, reached_edge from monitor_tree where tree_id = $1', [treeId])
  const [row] = rows
  if (row === undefined) throw new Error(`tree ${treeId} is gone`)
  return {
    verified: { size: row.size, rootHash: row.root_hash as Uint8Array as Hash },
    reached: decodeEdge(row.reached, row.reached_edge),
  }
}

/** Of a column of type bigint. Sizes of checkpoints go to twice as much. */
const largestSize = 2n ** 63n - 1n
const longestOriginBytes = 1_000
/** A head with the lines of sixteen witnesses has a good 60 kB. */
const longestNoteBytes = 131_072

/** Throws `bad_answer` for what has no place in a table, signed or not: else its log could stop every look at itself. */
export function demandKeepable(
  { origin, treeHead, note }: Pick<ShownHead, 'origin' | 'treeHead' | 'note'>,
  shownAt: string,
): void {
  if (treeHead.size > largestSize) throw badAnswer(shownAt, `a tree has no ${treeHead.size} entries`)
  if (Buffer.byteLength(origin) > longestOriginBytes) throw badAnswer(shownAt, 'its origin is too long')
  if (Buffer.byteLength(note) > longestNoteBytes) throw badAnswer(shownAt, 'its head is too long')
}

/** The origin of the first head, which every later one must have. */
export async function pinOrigin(db: Queryable, treeId: bigint, origin: string): Promise<string> {
  await db.query('update monitor_tree set origin = $2 where tree_id = $1 and origin is null', [
    treeId,
    origin,
  ])
  const { rows } = await db.query<{ origin: string | null }>(
    'select origin from monitor_tree where tree_id = $1',
    [treeId],
  )
  return rows[0]?.origin ?? origin
}

/** Durable when it resolves: only then anything may be made of the head. What is known of it already is left as it is. */
export async function keepHead(
  db: Queryable,
  treeId: bigint,
  { treeHead, note }: Pick<ShownHead, 'treeHead' | 'note'>,
  shownAt: string,
): Promise<void> {
  await db.query({
    name: 'monitor-keep-head',
    text: `insert into monitor_head (tree_id, size, root_hash, note, shown_at) values ($1, $2, $3, $4, $5)
           on conflict do nothing`,
    values: [treeId, treeHead.size, Buffer.from(treeHead.rootHash), note, shownAt],
  })
}

/** The largest size that was shown at this place and fits as far as is known. */
export async function largestShown(db: Queryable, treeId: bigint, shownAt: string): Promise<bigint> {
  const { rows } = await db.query<{ size: bigint | null }>(
    `select max(size) as size from monitor_head where tree_id = $1 and shown_at = $2 and verdict <> 'inconsistent'`,
    [treeId, shownAt],
  )
  return rows[0]?.size ?? 0n
}

/** Another root that was shown for this size, and is not condemned. */
export async function rivalOf(
  db: Queryable,
  treeId: bigint,
  { size, rootHash }: TreeHead,
): Promise<TreeHead | undefined> {
  const { rows } = await db.query<{ root_hash: Buffer }>({
    name: 'monitor-rival',
    text: `select root_hash from monitor_head
           where tree_id = $1 and size = $2 and root_hash <> $3 and verdict <> 'inconsistent'
           order by seen_at limit 1`,
    values: [treeId, size, Buffer.from(rootHash)],
  })
  return rows[0] && { size, rootHash: rows[0].root_hash as Uint8Array as Hash }
}

/** Smallest first, `most` at the most. */
export async function pendingHeads(
  db: Queryable,
  treeId: bigint,
  most: number,
): Promise<readonly KeptHead[]> {
  const { rows } = await db.query<{ size: bigint; root_hash: Buffer; note: string; shown_at: string }>(
    `select size, root_hash, note, shown_at from monitor_head where tree_id = $1 and verdict = 'pending'
     order by size limit $2`,
    [treeId, most],
  )
  return rows.map((row) => ({
    size: row.size,
    rootHash: row.root_hash as Uint8Array as Hash,
    note: row.note,
    shownAt: row.shown_at,
  }))
}

/** Kept again where another process has given it up meanwhile: it is evidence. True for who was first to judge it. */
export async function judgeHead(
  db: Queryable,
  treeId: bigint,
  { size, rootHash, note, shownAt }: KeptHead,
  verdict: Exclude<Verdict, 'pending'>,
): Promise<boolean> {
  const { rowCount } = await db.query(
    `insert into monitor_head (tree_id, size, root_hash, note, shown_at, verdict)
     values ($1, $2, $3, $4, $5, $6)
     on conflict (tree_id, size, root_hash) do update set verdict = excluded.verdict
       where monitor_head.verdict = 'pending'`,
    [treeId, size, Buffer.from(rootHash), note, shownAt, verdict],
  )
  return rowCount === 1
}

/** The note that led to the verified tree, or the nearest that is kept: the other half of the evidence. */
export async function noteOf(
  db: Queryable,
  treeId: bigint,
  { size, rootHash }: TreeHead,
): Promise<string | undefined> {
  const { rows } = await db.query<{ note: string }>(
    'select note from monitor_head where tree_id = $1 and size = $2 and root_hash = $3',
    [treeId, size, Buffer.from(rootHash)],
  )
  return rows[0]?.note
}

/** Moves on from `before` while leaves are read. False: another process of the monitor has moved on. */
export async function reach(db: Queryable, treeId: bigint, before: bigint, tree: Tree): Promise<boolean> {
  const { rowCount } = await db.query({
    name: 'monitor-reach',
    text: `update monitor_tree set reached = $3, reached_edge = $4 where tree_id = $1 and reached = $2`,
    values: [treeId, before, tree.size, encodeEdge(tree)],
  })
  return rowCount === 1
}

/** What was reached is the tree of a signed head. */
export async function verifyReached(
  db: Queryable,
  treeId: bigint,
  { size, rootHash }: TreeHead,
): Promise<void> {
  await db.query(
    `update monitor_tree set size = reached, edge = reached_edge, root_hash = $3, verified_at = now()
     where tree_id = $1 and reached = $2`,
    [treeId, size, Buffer.from(rootHash)],
  )
}

/** What was reached led to no signed root: back to what is verified. */
export async function forgetReached(pool: Pool, treeId: bigint): Promise<void> {
  await pool.query('update monitor_tree set reached = size, reached_edge = edge where tree_id = $1', [treeId])
}
