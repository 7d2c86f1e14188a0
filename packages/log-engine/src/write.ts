/**
 * Writing a batch: entries, tiles and the new tree head in one statement. Fields of one batch travel as one bytea each, cut by
 * `substring` in SQL: some three times as many rows a second as an array of bytea.
 */
import { type ChangedTile, hashBytes, type TreeHead, tileHashes, tileWidth } from '@sigstack/merkle'
import type { Queryable } from '@sigstack/postgres'
import { pack } from './pack.ts'
import { keyOf, type LogNo, type StoredEntry } from './store.ts'

const statement = `
with new_entry as (
  insert into entry (log_no, leaf_index, sequenced_at, leaf_hash, identity_key, identity, leaf_key, leaf, extra)
  select $1, $2::bigint + n - 1, $3::bigint,
         substring($4::bytea from ((n - 1) * 32 + 1)::int for 32),
         identity_key,
         case when leaf_key is not null then substring($5::bytea from ((n - 1) * 32 + 1)::int for 32) end,
         leaf_key,
         substring($6::bytea from leaf_start for leaf_length),
         case when extra_length is not null then substring($7::bytea from extra_start for extra_length) end
  from unnest($8::bigint[], $9::bigint[], $10::int[], $11::int[], $12::int[], $13::int[])
       with ordinality as batch (identity_key, leaf_key, leaf_start, leaf_length, extra_start, extra_length, n)
), new_tile as (
  insert into tile (log_no, level, tile_index, hashes)
  select $1, level, tile_index, substring($14::bytea from start for length)
  from unnest($15::smallint[], $16::bigint[], $17::int[], $18::int[]) as changed (level, tile_index, start, length)
  on conflict (log_no, level, tile_index) do update set hashes = excluded.hashes
)
update log set tree_size = $19, root_hash = $20, last_sequenced_at = $3 where log_no = $1`

export type Batch = {
  /** At least one, in order. */
  readonly entries: readonly StoredEntry[]
  readonly tiles: readonly ChangedTile[]
  readonly head: TreeHead
}

/** Writes the batch inside the transaction that holds the log's row. */
export async function writeBatch(
  tx: Queryable,
  logNo: LogNo,
  { entries, tiles, head }: Batch,
): Promise<void> {
  const [first] = entries
  if (first === undefined) return
  const leaves = slices(entries.map((entry) => pack(entry.leaf)))
  const extras = slices(entries.map((entry) => entry.extra))
  const stored = tiles.filter(({ level, width }) => level > 0 || width === tileWidth)
  const hashes = slices(stored.map(({ tile, width }) => tileHashes(tile, width)))
  await tx.query({
    name: 'log-write-batch',
    text: statement,
    values: [
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
      Buffer.from(head.rootHash.buffer, head.rootHash.byteOffset, hashBytes),
    ],
  })
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
