/** Copies of logs in PostgreSQL. What is here was proven before; nothing is ever taken back. */
import { sha256 } from '@sigstack/crypto'
import {
  emptyRootHash,
  encodeEntryBundle,
  entriesOfBundle,
  growTree,
  type Hash,
  hashBytes,
  loadTiles,
  loadTree,
  type ReadTile,
  rootOfPrefix,
  type TileAddress,
  tileFromHashes,
  tilesForRoot,
  tileWidth,
  widthOfTile,
} from '@sigstack/merkle'
import { inTransaction, type Pool, type Queryable } from '@sigstack/postgres'
import type { EntryPackage } from './upload.ts'

/** How much of a log is here. */
export type Mirrored = {
  readonly nextEntry: bigint
  /** Of the mirror checkpoint; undefined while there is none. */
  readonly treeSize: bigint | undefined
}

export type MirrorCheckpoint = {
  readonly origin: string
  readonly treeSize: bigint
  /** Text and verified lines of the log. */
  readonly checkpoint: string
  readonly timeSeconds: bigint
  /** Undefined while they are made, or when the process ended in between. */
  readonly cosignatures: string | undefined
}

/** With the hashes of its entries, which whoever proved them has. */
export type ProvenPackage = EntryPackage & { readonly leafHashes: readonly Hash[] }

export type MirrorStore = {
  read(origin: string): Promise<Mirrored>
  /** Hashes of the leaves from `bundleStart` up to `end`, all in one bundle and here. */
  leafHashes(origin: string, bundleStart: bigint, end: bigint): Promise<readonly Hash[]>
  /** Keeps what is missing of a proven package that begins at or before the next entry. Durable when it returns. */
  save(origin: string, entries: ProvenPackage): Promise<Mirrored>
  /** The root of the first `size` entries as they are here. */
  rootOf(origin: string, size: bigint): Promise<Hash>
  /** Makes it the mirror checkpoint, with a time that does not go back; undefined where a larger one is. Durable when it returns. */
  commit(next: Omit<MirrorCheckpoint, 'cosignatures'>): Promise<MirrorCheckpoint | undefined>
  /** Beside the tree and the time that they are for, if it is the mirror checkpoint still. */
  keepCosignatures(of: MirrorCheckpoint, cosignatures: string): Promise<void>
  checkpoint(originHash: Uint8Array): Promise<MirrorCheckpoint | undefined>
  /** Undefined beyond the mirror checkpoint. */
  tile(originHash: Uint8Array, level: number, index: bigint, width: number): Promise<Uint8Array | undefined>
  bundle(originHash: Uint8Array, index: bigint, width: number): Promise<Uint8Array | undefined>
}

type LogRow = { readonly mirror_no: number; readonly next_entry: bigint; readonly tree_size: bigint | null }
type CheckpointRow = {
  readonly origin: string
  readonly tree_size: bigint
  readonly checkpoint: string
  readonly cosigned_at: bigint
  readonly cosignatures: string | null
}

const checkpointColumns = 'origin, tree_size, checkpoint, cosigned_at, cosignatures'
const largestIndex = 2n ** 63n - 1n

export function openMirrorStore(pool: Pool): MirrorStore {
  async function readLog(db: Queryable, origin: string, lock = false): Promise<LogRow | undefined> {
    const { rows } = await db.query<LogRow>({
      name: `mirror-read${lock ? '-locked' : ''}`,
      text: `select mirror_no, next_entry, tree_size from mirrored_log where origin = $1${lock ? ' for update' : ''}`,
      values: [origin],
    })
    return rows[0]
  }

  async function readTile(
    db: Queryable,
    mirrorNo: number,
    level: number,
    index: bigint,
  ): Promise<Buffer | undefined> {
    const { rows } = await db.query<{ hashes: Buffer }>({
      name: 'mirror-tile',
      text: 'select hashes from mirrored_tile where mirror_no = $1 and level = $2 and index = $3',
      values: [mirrorNo, level, index],
    })
    return rows[0]?.hashes
  }

  async function demandTile(db: Queryable, mirrorNo: number, { level, index }: TileAddress): Promise<Buffer> {
    const hashes = await readTile(db, mirrorNo, level, index)
    if (hashes === undefined) throw new Error(`tile ${level}/${index} of mirror ${mirrorNo} is missing`)
    return hashes
  }

  const tilesOf =
    (db: Queryable, mirrorNo: number): ReadTile =>
    async (address) =>
      tileFromHashes(await demandTile(db, mirrorNo, address))

  async function readBundle(db: Queryable, mirrorNo: number, index: bigint): Promise<Buffer | undefined> {
    const { rows } = await db.query<{ entries: Buffer }>({
      name: 'mirror-bundle',
      text: 'select entries from mirrored_bundle where mirror_no = $1 and index = $2',
      values: [mirrorNo, index],
    })
    return rows[0]?.entries
  }

  async function append(
    tx: Queryable,
    log: LogRow,
    { start, end, bundleStart, entries, leafHashes }: ProvenPackage,
  ): Promise<bigint> {
    const { mirror_no: mirrorNo, next_entry: nextEntry } = log
    const known = Number(nextEntry - start)
    const tree = await loadTree(nextEntry, tilesOf(tx, mirrorNo))
    const { changedTiles } = growTree(tree, leafHashes.slice(known))
    for (const { level, index, width, tile } of changedTiles)
      await tx.query({
        name: 'mirror-save-tile',
        text: `insert into mirrored_tile (mirror_no, level, index, hashes) values ($1, $2, $3, $4)
               on conflict (mirror_no, level, index) do update set hashes = excluded.hashes`,
        values: [mirrorNo, level, index, tile.nodes.subarray(0, width * hashBytes)],
      })
    await tx.query({
      name: 'mirror-save-bundle',
      text: `insert into mirrored_bundle (mirror_no, index, entries) values ($1, $2, $3)
             on conflict (mirror_no, index) do update set entries = mirrored_bundle.entries || excluded.entries`,
      values: [mirrorNo, bundleStart / BigInt(tileWidth), encodeEntryBundle(entries.slice(known))],
    })
    await tx.query({
      name: 'mirror-advance',
      text: 'update mirrored_log set next_entry = $2 where mirror_no = $1',
      values: [mirrorNo, end],
    })
    return end
  }

  return {
    read: async (origin) => mirroredOf(await readLog(pool, origin)),
    leafHashes: async (origin, bundleStart, end) => {
      if (end === bundleStart) return []
      const log = await readLog(pool, origin)
      if (log === undefined) return []
      const hashes = await demandTile(pool, log.mirror_no, {
        level: 0,
        index: bundleStart / BigInt(tileWidth),
      })
      return Array.from(
        { length: Number(end - bundleStart) },
        (_, at) => hashes.subarray(at * hashBytes, (at + 1) * hashBytes) as Uint8Array as Hash,
      )
    },
    save: async (origin, entries) =>
      inTransaction(pool, async (tx) => {
        await begin(tx, origin)
        const log = await readLog(tx, origin, true)
        if (log === undefined) throw new Error('the row of a mirrored log is missing')
        if (entries.end <= log.next_entry) return mirroredOf(log)
        return { ...mirroredOf(log), nextEntry: await append(tx, log, entries) }
      }),
    rootOf: async (origin, size) => {
      const log = await readLog(pool, origin)
      if (size === 0n || log === undefined) return emptyRootHash
      return rootOfPrefix(size, await loadTiles(tilesForRoot(size), tilesOf(pool, log.mirror_no)))
    },
    commit: async ({ origin, treeSize, checkpoint, timeSeconds }) => {
      await begin(pool, origin)
      const { rows } = await pool.query<CheckpointRow>({
        name: 'mirror-commit',
        text: `update mirrored_log
               set tree_size = $2, checkpoint = $3, cosigned_at = greatest(cosigned_at, $4), cosignatures = null
               where origin = $1 and coalesce(tree_size, 0) <= $2 and next_entry >= $2
               returning ${checkpointColumns}`,
        values: [origin, treeSize, checkpoint, timeSeconds],
      })
      return rows[0] && checkpointOf(rows[0])
    },
    keepCosignatures: async ({ origin, treeSize, timeSeconds }, cosignatures) => {
      await pool.query({
        name: 'mirror-keep',
        text: `update mirrored_log set cosignatures = $4
               where origin = $1 and tree_size = $2 and cosigned_at = $3`,
        values: [origin, treeSize, timeSeconds, cosignatures],
      })
    },
    checkpoint: async (originHash) => {
      const { rows } = await pool.query<CheckpointRow>({
        name: 'mirror-checkpoint',
        text: `select ${checkpointColumns} from mirrored_log
               where origin_hash = $1 and checkpoint is not null`,
        values: [Buffer.from(originHash)],
      })
      return rows[0] && checkpointOf(rows[0])
    },
    tile: async (originHash, level, index, width) => {
      const mirrorNo = await reaches(originHash, level, index, width)
      if (mirrorNo === undefined) return undefined
      return (await readTile(pool, mirrorNo, level, index))?.subarray(0, width * hashBytes)
    },
    bundle: async (originHash, index, width) => {
      const mirrorNo = await reaches(originHash, 0, index, width)
      if (mirrorNo === undefined) return undefined
      const entries = await readBundle(pool, mirrorNo, index)
      return entries && prefixOf(entries, width)
    },
  }

  async function begin(db: Queryable, origin: string): Promise<void> {
    await db.query({
      name: 'mirror-begin',
      text: 'insert into mirrored_log (origin, origin_hash) values ($1, $2) on conflict do nothing',
      values: [origin, Buffer.from(sha256(origin))],
    })
  }

  /** The copy's number where its mirror checkpoint has such a tile. */
  async function reaches(
    originHash: Uint8Array,
    level: number,
    index: bigint,
    width: number,
  ): Promise<number | undefined> {
    if (index > largestIndex) return undefined
    const { rows } = await pool.query<LogRow>({
      name: 'mirror-reaches',
      text: 'select mirror_no, next_entry, tree_size from mirrored_log where origin_hash = $1',
      values: [Buffer.from(originHash)],
    })
    const [log] = rows
    return log !== undefined && widthOfTile(level, index, log.tree_size ?? 0n) >= width
      ? log.mirror_no
      : undefined
  }
}

/** The first entries of a bundle as they stand in it. */
function prefixOf(bundle: Buffer, width: number): Buffer {
  const entries = entriesOfBundle(bundle, width)
  if (entries === undefined) throw new Error(`a kept bundle has less than ${width} entries`)
  return bundle.subarray(
    0,
    entries.reduce((end, { length }) => end + 2 + length, 0),
  )
}

function mirroredOf(log: LogRow | undefined): Mirrored {
  return { nextEntry: log?.next_entry ?? 0n, treeSize: log?.tree_size ?? undefined }
}

function checkpointOf(row: CheckpointRow): MirrorCheckpoint {
  return {
    origin: row.origin,
    treeSize: row.tree_size,
    checkpoint: row.checkpoint,
    timeSeconds: row.cosigned_at,
    cosignatures: row.cosignatures ?? undefined,
  }
}
