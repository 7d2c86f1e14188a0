/**
 * A growing tree, held as its right edge: the unfinished tile of every level. Appending n leaves costs about n hashes,
 * whatever the size. A {@link Tree} is a value: growing returns another one and the old one stays true, because tiles only
 * ever grow behind the width that an older tree reads.
 */
import { emptyRootHash, nodeHash } from './hash.ts'
import { createTile, putHash, type Tile, tileHeight, tileNode, tileWidth } from './tile.ts'
import type { Hash, TreeHead } from './types.ts'

/** The unfinished tile of a level: how many hashes of it this tree has (0 to 255), and the tile. */
export type EdgeTile = { readonly width: number; readonly tile: Tile }

export type Tree = TreeHead & {
  /** By level of tile, lowest first. */
  readonly edge: readonly EdgeTile[]
}

/** A tile that an append made wider, and its width (1 to 256) now. */
export type ChangedTile = {
  readonly level: number
  readonly index: bigint
  readonly width: number
  readonly tile: Tile
}

export type Grown = { readonly tree: Tree; readonly changedTiles: readonly ChangedTile[] }

export const emptyTree: Tree = { size: 0n, rootHash: emptyRootHash, edge: [] }

/** The tree of `size` leaves with these edge tiles: how a process picks up where another left off. */
export function treeFromEdge(size: bigint, edge: readonly EdgeTile[]): Tree {
  return { size, rootHash: rootOfEdge(edge), edge }
}

/**
 * Appends leaves in order. Writes into the unfinished tiles of `tree` behind its width, so of two trees grown from the same
 * one only the last grown may be used: the other was never committed.
 */
export function growTree(tree: Tree, leafHashes: readonly Hash[]): Grown {
  const edge = [...tree.edge]
  const changed = new Map<string, ChangedTile>()
  let { size } = tree
  for (const hash of leafHashes) {
    let carried: Hash | undefined = hash
    for (let level = 0; carried !== undefined; level++) {
      const { width, tile }: EdgeTile = edge[level] ?? { width: 0, tile: createTile() }
      putHash(tile, width, carried)
      const index: bigint = size >> BigInt(tileHeight * (level + 1))
      changed.set(`${level}/${index}`, { level, index, width: width + 1, tile })
      if (width + 1 < tileWidth) {
        edge[level] = { width: width + 1, tile }
        carried = undefined
      } else {
        edge[level] = { width: 0, tile: createTile() }
        carried = tileNode(tile, tileHeight, 0)
      }
    }
    size += 1n
  }
  return { tree: { size, rootHash: rootOfEdge(edge), edge }, changedTiles: [...changed.values()] }
}

/** Folds the perfect subtrees of the edge from the smallest, at the right, upwards. */
function rootOfEdge(edge: readonly EdgeTile[]): Hash {
  let root: Hash | undefined
  for (const { width, tile } of edge) {
    for (let height = 0; height < tileHeight; height++) {
      const nodes = width >> height
      if ((nodes & 1) === 1) {
        const subtree = tileNode(tile, height, nodes - 1)
        root = root === undefined ? subtree : nodeHash(subtree, root)
      }
    }
  }
  return root ?? emptyRootHash
}
