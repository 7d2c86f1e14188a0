/** Writing entries that were numbered before: each with its own time, and without the look-up of duplicates. */
import { type ChangedTile, tileHashes, tileWidth } from '@sigstack/merkle'
import type { Queryable } from '@sigstack/postgres'
import { pack } from '../../pack.ts'
import { keyOf, type LogNo, type StoredEntry } from '../../store.ts'
import { isOwnIdentity, slices } from '../../write.ts'

const statement = `
with new_tile as (
  insert into tile (log_no, level, tile_index, hashes)
  select $1, level, tile_index, substring($11::bytea from start for length)
  from unnest($12::smallint[], $13::bigint[], $14::int[], $15::int[]) as changed (level, tile_index, start, length)
  on conflict (log_no, level, tile_index) do update set hashes = excluded.hashes
)
insert into entry (log_no, leaf_index, sequenced_at, leaf_hash, identity_key, identity, leaf_key, leaf, extra)
select $1, $2::bigint + n - 1, sequenced_at,
       substring($3::bytea from ((n - 1) * 32 + 1)::int for 32),
       identity_key,
       case when leaf_key is not null then substring($4::bytea from ((n - 1) * 32 + 1)::int for 32) end,
       leaf_key,
       substring($5::bytea from leaf_start for leaf_length),
       case when extra_length is not null then substring($6::bytea from extra_start for extra_length) end
from unnest($7::bigint[], $8::bigint[], $9::bigint[], $10::int[], $16::int[], $17::int[], $18::int[])
     with ordinality as page (sequenced_at, identity_key, leaf_key, leaf_start, leaf_length, extra_start, extra_length, n)`

/** Entries in order, at least one, and the tiles that they changed; the tree head is the caller's. */
export async function writePage(
  tx: Queryable,
  logNo: LogNo,
  entries: readonly StoredEntry[],
  tiles: readonly ChangedTile[],
): Promise<void> {
  const leaves = slices(entries.map((entry) => pack(entry.leaf)))
  const extras = slices(entries.map((entry) => entry.extra))
  const stored = tiles.filter(({ level, width }) => level > 0 || width === tileWidth)
  const hashes = slices(stored.map(({ tile, width }) => tileHashes(tile, width)))
  await tx.query({
    name: 'log-write-page',
    text: statement,
    values: [
      logNo,
      entries[0]?.leafIndex,
      Buffer.concat(entries.map((entry) => entry.leafHash)),
      Buffer.concat(entries.map((entry) => entry.identity)),
      leaves.bytes,
      extras.bytes,
      entries.map((entry) => entry.sequencedAtMs),
      entries.map((entry) => keyOf(entry.identity)),
      entries.map((entry) => (isOwnIdentity(entry) ? null : keyOf(entry.leafHash))),
      leaves.starts,
      hashes.bytes,
      stored.map(({ level }) => level),
      stored.map(({ index }) => index),
      hashes.starts,
      hashes.lengths,
      leaves.lengths,
      extras.starts,
      extras.lengths,
    ],
  })
}
