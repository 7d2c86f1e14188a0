/**
 * Writing a batch: entries, tiles and the new tree head in one statement, which may take the turn to write as well. Fields of one
 * batch travel as one bytea each, cut by `substring` in SQL: some three times as many rows a second as an array of bytea.
 */
import {
  type ChangedTile,
  type Hash,
  hashBytes,
  type TreeHead,
  tileHashes,
  tileWidth,
} from '@sigstack/merkle'
import type { Queryable } from '@sigstack/postgres'
import { pack } from './pack.ts'
import { keyOf, type LogNo, type StoredEntry } from './store.ts'

/** Rows of a batch. `from` is what there is one of where the batch is to be written, and `logNo` the number of the log. */
const inserts = (logNo: string, from: string): string => `
new_entry as (
  insert into entry (log_no, leaf_index, sequenced_at, leaf_hash, identity_key, identity, leaf_key, leaf, extra)
  select ${logNo}, $2::bigint + n - 1, $3::bigint,
         substring($4::bytea from ((n - 1) * 32 + 1)::int for 32),
         identity_key,
         case when leaf_key is not null then substring($5::bytea from ((n - 1) * 32 + 1)::int for 32) end,
         leaf_key,
         substring($6::bytea from leaf_start for leaf_length),
         case when extra_length is not null then substring($7::bytea from extra_start for extra_length) end
  from ${from}unnest($8::bigint[], $9::bigint[], $10::int[], $11::int[], $12::int[], $13::int[])
       with ordinality as batch (identity_key, leaf_key, leaf_start, leaf_length, extra_start, extra_length, n)
), new_tile as (
  insert into tile (log_no, level, tile_index, hashes)
  select ${logNo}, level, tile_index, substring($14::bytea from start for length)
  from ${from}unnest($15::smallint[], $16::bigint[], $17::int[], $18::int[]) as changed (level, tile_index, start, length)
  on conflict (log_no, level, tile_index) do update set hashes = excluded.hashes
)`

const inTurn = `
with ${inserts('$1', '')}
update log set tree_size = $19, root_hash = $20, last_sequenced_at = $3 where log_no = $1`

/**
 * The update takes the turn: where another one has written meanwhile it waits for that, looks at its conditions again, and changes
 * nothing. The rows are written where it did change the head, and only there. What it found beforehand is all there is: entries come
 * with a new head.
 */
const atOnce = `
with found as materialized (
  select 1 from unnest($8::bigint[]) as wanted (key) cross join lateral (
    select log_no from entry where identity_key = wanted.key offset 0
  ) as same where same.log_no = $1 limit 1
), moved as (
  update log set tree_size = $19, root_hash = $20, last_sequenced_at = $3
   where log_no = $1 and tree_size = $2 and root_hash = $21 and last_sequenced_at <= $3
     and final_size is null and mode = 'open'
     and $3 <= (extract(epoch from clock_timestamp()) * 1000)::bigint + $22::bigint
     and not exists (select from found)
  returning log_no
), ${inserts('moved.log_no', 'moved cross join ')}
select count(*) as moved from moved`

export type Batch = {
  /** At least one, in order. */
  readonly entries: readonly StoredEntry[]
  readonly tiles: readonly ChangedTile[]
  readonly head: TreeHead
}

/** Writes the batch inside the transaction that holds the log's row. */
export async function writeBatch(tx: Queryable, logNo: LogNo, batch: Batch): Promise<void> {
  await tx.query({ name: 'log-write-batch', text: inTurn, values: valuesOf(logNo, batch) })
}

/**
 * Writes the batch in a transaction of its own if the log is open, its head is the one with `rootHash` that the batch grows, its time
 * is at most so far ahead of the database's, and none of the identities may be there already. False when nothing was done.
 */
export async function writeBatchAtOnce(
  db: Queryable,
  logNo: LogNo,
  batch: Batch,
  { rootHash, clockToleranceMs }: { readonly rootHash: Hash; readonly clockToleranceMs: number },
): Promise<boolean> {
  const values = [...valuesOf(logNo, batch), bufferOf(rootHash), clockToleranceMs]
  const { rows } = await db.query<{ moved: bigint }>({ name: 'log-write-at-once', text: atOnce, values })
  return rows[0]?.moved === 1n
}

function valuesOf(logNo: LogNo, { entries, tiles, head }: Batch): readonly unknown[] {
  const [first] = entries
  if (first === undefined) throw new Error('a batch has an entry')
  const leaves = slices(entries.map((entry) => pack(entry.leaf)))
  const extras = slices(entries.map((entry) => entry.extra))
  const stored = tiles.filter(({ level, width }) => level > 0 || width === tileWidth)
  const hashes = slices(stored.map(({ tile, width }) => tileHashes(tile, width)))
  return [
    logNo,
    first.leafIndex,
    first.sequencedAtMs,
    Buffer.concat(entries.map((entry) => entry.leafHash)),
    Buffer.concat(entries.map((entry) => entry.identity)),
    leaves.bytes,
    extras.bytes,
    entries.map((entry) => keyOf(entry.identity)),
    entries.map((entry) => (isOwnIdentity(entry) ? null : keyOf(entry.leafHash))),
    leaves.starts,
    leaves.lengths,
    extras.starts,
    extras.lengths,
    hashes.bytes,
    stored.map(({ level }) => level),
    stored.map(({ index }) => index),
    hashes.starts,
    hashes.lengths,
    head.size,
    bufferOf(head.rootHash),
  ]
}

function bufferOf(hash: Hash): Buffer {
  return Buffer.from(hash.buffer, hash.byteOffset, hashBytes)
}

export function isOwnIdentity(entry: StoredEntry): boolean {
  return Buffer.compare(entry.identity, entry.leafHash) === 0
}

/** Many byte strings as one, with where each starts (SQL counts from 1) and how long it is. */
export function slices(parts: readonly (Uint8Array | undefined)[]): {
  bytes: Buffer
  starts: (number | null)[]
  lengths: (number | null)[]
} {
  let start = 1
  const starts: (number | null)[] = []
  const lengths: (number | null)[] = []
  for (const part of parts) {
    starts.push(part === undefined ? null : start)
    lengths.push(part === undefined ? null : part.length)
    start += part?.length ?? 0
  }
  return { bytes: Buffer.concat(parts.filter((part) => part !== undefined)), starts, lengths }
}
