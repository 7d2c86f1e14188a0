/** Tiles as they are stored, for comparing them with what the entries say. */
import { tileWidth } from '@sigstack/merkle'
import type { Queryable } from '@sigstack/postgres'
import type { LogNo } from '../../store.ts'

/** The stored tiles of level 0 that hold the hashes of these entries, by index. */
export async function readLeafTiles(
  db: Queryable,
  logNo: LogNo,
  start: bigint,
  end: bigint,
): Promise<ReadonlyMap<bigint, Buffer>> {
  const width = BigInt(tileWidth)
  const { rows } = await db.query<{ tile_index: bigint; hashes: Buffer }>({
    name: 'log-audit-tiles',
    text: 'select tile_index, hashes from tile where log_no = $1 and level = 0 and tile_index >= $2 and tile_index < $3',
    values: [logNo, start / width, (end + width - 1n) / width],
  })
  return new Map(rows.map((row) => [row.tile_index, row.hashes]))
}

export async function readStoredTile(
  db: Queryable,
  logNo: LogNo,
  level: number,
  index: bigint,
): Promise<Buffer | undefined> {
  const { rows } = await db.query<{ hashes: Buffer }>({
    name: 'log-read-tile',
    text: 'select hashes from tile where log_no = $1 and level = $2 and tile_index = $3',
    values: [logNo, level, index],
  })
  return rows[0]?.hashes
}

/** Rows beyond the tree head. In one statement, so that a log that is being written to shows one state. */
export async function countSurplus(
  db: Queryable,
  logNo: LogNo,
): Promise<{ readonly entries: bigint; readonly tiles: bigint }> {
  const { rows } = await db.query<{ entries: bigint; tiles: bigint }>(
    `select (select count(*) from entry where log_no = $1 and leaf_index >= tree_size) as entries,
            (select count(*) from tile where log_no = $1 and case when level = 0 then ((tile_index + 1) << 8) > tree_size
               else ((tile_index << 8) + 1) << (8 * level) > tree_size end) as tiles
       from log where log_no = $1`,
    [logNo],
  )
  return rows[0] ?? { entries: 0n, tiles: 0n }
}
