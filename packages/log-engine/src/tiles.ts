/** Tiles for proofs: the unfinished ones come from the tree in memory or are remembered, the full ones are cached, the rest is read. */
import {
  type Hash,
  loadTiles,
  loadTree,
  rootOfPrefix,
  type Tile,
  type TileAddress,
  type TileSource,
  type Tree,
  tileFromHashes,
  tileHeight,
  tilesForRoot,
  tileWidth,
  widthOfTile,
} from '@sigstack/merkle'
import type { Queryable } from '@sigstack/postgres'
import { LRUCache } from 'lru-cache'
import { LogError } from './errors.ts'
import { type LogNo, readTileHashes } from './store.ts'

export type Tiles = {
  /** Loads what a proof in a tree of `treeSize` needs, then answers without waiting. */
  load(addresses: readonly TileAddress[], treeSize: bigint, db?: Queryable): Promise<TileSource>
  /** The tree of that size as the database has it. */
  loadTree(db: Queryable, size: bigint): Promise<Tree>
  /**
   * The root of the first `size` leaves as the database has them now, whatever this process remembers. Tiles of `tree`, just
   * loaded, need not be read again.
   */
  rootInDatabase(
    db: Queryable,
    size: bigint,
    tree: { readonly size: bigint; readonly edge?: Tree['edge'] },
  ): Promise<Hash>
  /** Full tiles of a committed batch. */
  keep(level: number, index: bigint, tile: Tile): void
  /** The newest committed tree of this process: its edge answers for unfinished tiles. */
  useTree(tree: Tree): void
}

/** @param limit Full tiles kept, 16 KiB each, the least recently used ones go first. */
export function createTiles(pool: Queryable, logNo: LogNo, limit: number): Tiles {
  const full = new LRUCache<string, Tile>({ max: limit })
  let newest: Tree | undefined
  /** The last one read of each level, for a process that only reads. What a tile holds stays the start of what it will hold. */
  const unfinished = new Map<
    number,
    { readonly index: bigint; readonly width: number; readonly tile: Tile }
  >()

  function keep(level: number, index: bigint, tile: Tile): void {
    full.set(`${level}/${index}`, tile)
  }

  /** The unfinished tile of the newest tree, or the one read last, if that is the one asked for. */
  function onEdge(level: number, index: bigint, width: number): Tile | undefined {
    const last = unfinished.get(level)
    if (last !== undefined && last.index === index && last.width >= width) return last.tile
    const edge = newest?.edge[level]
    if (newest === undefined || edge === undefined || edge.width < width) return undefined
    return newest.size >> BigInt(tileHeight * (level + 1)) === index ? edge.tile : undefined
  }

  async function read(db: Queryable, level: number, index: bigint, width: number): Promise<Tile> {
    const hashes = await readTileHashes(db, logNo, { level, index, width })
    if (hashes === undefined)
      throw new LogError('inconsistent', `tile ${level}/${index} of width ${width} is missing`)
    const tile = tileFromHashes(hashes)
    if (hashes.length === tileWidth * 32) keep(level, index, tile)
    else unfinished.set(level, { index, width: hashes.length / 32, tile })
    return tile
  }

  function load(
    addresses: readonly TileAddress[],
    treeSize: bigint,
    db: Queryable = pool,
  ): Promise<TileSource> {
    return loadTiles(addresses, ({ level, index }) => {
      const width = widthOfTile(level, index, treeSize)
      return full.get(`${level}/${index}`) ?? onEdge(level, index, width) ?? read(db, level, index, width)
    })
  }

  return {
    load,
    keep,
    useTree: (tree) => {
      newest = tree
    },
    loadTree: (db, size) =>
      loadTree(size, ({ level, index }) => read(db, level, index, widthOfTile(level, index, size))),
    rootInDatabase: async (db, size, { size: treeSize, edge = [] }) => {
      const tiles = await loadTiles(tilesForRoot(size), ({ level, index }) => {
        const isEdge = treeSize >> BigInt(tileHeight * (level + 1)) === index
        const width = widthOfTile(level, index, treeSize)
        return (isEdge ? edge[level]?.tile : undefined) ?? read(db, level, index, width)
      })
      return rootOfPrefix(size, tiles)
    },
  }
}
