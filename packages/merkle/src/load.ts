/** Trees out of tiles that somebody keeps elsewhere. `read` gives the tile with at least the hashes of a tree of that size. */
import type { TileAddress, TileSource } from './prove.ts'
import { createTile, type Tile, tileHeight } from './tile.ts'
import { widthOfTile } from './tile-path.ts'
import { type EdgeTile, type Tree, treeFromEdge } from './tree.ts'

/** Without waiting where it is at hand. */
export type ReadTile = (address: TileAddress) => Tile | Promise<Tile>

/** Reads all of them, then answers without waiting; asking it for any other is a fault of the caller. */
export async function loadTiles(addresses: readonly TileAddress[], read: ReadTile): Promise<TileSource> {
  const found: Map<bigint, Tile>[] = []
  for (const address of addresses) {
    const tile = read(address)
    found[address.level] ??= new Map()
    found[address.level]?.set(address.index, tile instanceof Promise ? await tile : tile)
  }
  return (level, index) => {
    const tile = found[level]?.get(index)
    if (tile === undefined) throw new Error(`tile ${level}/${index} was not loaded`)
    return tile
  }
}

/** The tree of `size` leaves, from which it grows. */
export async function loadTree(size: bigint, read: ReadTile): Promise<Tree> {
  const edge: EdgeTile[] = []
  for (let level = 0; size >> BigInt(tileHeight * level) > 0n; level++) {
    const index = size >> BigInt(tileHeight * (level + 1))
    const width = widthOfTile(level, index, size)
    edge.push({ width, tile: width === 0 ? createTile() : await read({ level, index }) })
  }
  return treeFromEdge(size, edge)
}
