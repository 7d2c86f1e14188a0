/** Making proofs from tiles. The tiles needed are told first, so that whoever has to fetch them can; then all is computation. */
import { nodeHash } from './hash.ts'
import { visitSiblings } from './inclusion-nodes.ts'
import { consistencyRanges, type NodeCoordinates, perfectSubtrees, subtreeRanges } from './ranges.ts'
import { type Tile, tileHeight, tileNode } from './tile.ts'
import type { ConsistencyProof, Hash, InclusionProof, LeafRange, SubtreeProof } from './types.ts'

/** Finds the tile of a level and index; it must be there. */
export type TileSource = (level: number, index: bigint) => Tile

export type TileAddress = { readonly level: number; readonly index: bigint }

/** The tiles that {@link proveInclusion} will ask for. */
export function tilesForInclusion(leafIndex: bigint, treeSize: bigint): readonly TileAddress[] {
  return tilesForInclusions([leafIndex], treeSize)
}

/** The same for several leaves, each tile once. */
export function tilesForInclusions(leafIndexes: readonly bigint[], treeSize: bigint): readonly TileAddress[] {
  const addresses: TileAddress[] = []
  const found: Set<bigint>[] = []
  for (const leafIndex of leafIndexes) {
    visitSiblings(leafIndex, treeSize, (level, index) => {
      found[level] ??= new Set()
      if (found[level].has(index)) return
      found[level].add(index)
      addresses.push({ level, index })
    })
  }
  return addresses
}

/** The tiles that {@link proveConsistency} will ask for. */
export function tilesForConsistency(oldSize: bigint, newSize: bigint): readonly TileAddress[] {
  return tilesOf(consistencyRanges(oldSize, newSize))
}

export function proveInclusion(leafIndex: bigint, treeSize: bigint, tiles: TileSource): InclusionProof {
  const siblings: Hash[] = []
  visitSiblings(leafIndex, treeSize, (level, index, height, position, continues) => {
    const node = tileNode(tiles(level, index), height, position)
    const right = continues ? siblings.pop() : undefined
    siblings.push(right === undefined ? node : nodeHash(node, right))
  })
  return { leafIndex, treeSize, siblings }
}

export function proveConsistency(oldSize: bigint, newSize: bigint, tiles: TileSource): ConsistencyProof {
  const hashes = consistencyRanges(oldSize, newSize).map((range) => rangeHash(range, tiles))
  return { oldSize, newSize, hashes }
}

/** The tiles that {@link proveSubtree} will ask for. */
export function tilesForSubtree(subtree: LeafRange, treeSize: bigint): readonly TileAddress[] {
  return tilesOf(subtreeRanges(subtree, treeSize))
}

export function proveSubtree(subtree: LeafRange, treeSize: bigint, tiles: TileSource): SubtreeProof {
  const hashes = subtreeRanges(subtree, treeSize).map((range) => rangeHash(range, tiles))
  return { ...subtree, treeSize, hashes }
}

/** The root of the first `size` leaves, which must not be 0. */
export function rootOfPrefix(size: bigint, tiles: TileSource): Hash {
  return rangeHash({ start: 0n, end: size }, tiles)
}

/** The tiles that {@link rootOfPrefix} will ask for. */
export function tilesForRoot(size: bigint): readonly TileAddress[] {
  return tilesOf([{ start: 0n, end: size }])
}

function rangeHash(range: LeafRange, tiles: TileSource): Hash {
  const subtrees = perfectSubtrees(range)
  let hash: Hash | undefined
  for (const node of subtrees.toReversed()) {
    const { address, height, position } = locate(node)
    const subtree = tileNode(tiles(address.level, address.index), height, position)
    hash = hash === undefined ? subtree : nodeHash(subtree, hash)
  }
  if (hash === undefined) throw new RangeError('an empty range of leaves has no hash in a proof')
  return hash
}

function tilesOf(ranges: readonly LeafRange[]): readonly TileAddress[] {
  const addresses = new Map<string, TileAddress>()
  for (const node of ranges.flatMap(perfectSubtrees)) {
    const { address } = locate(node)
    addresses.set(`${address.level}/${address.index}`, address)
  }
  return [...addresses.values()]
}

function locate({ level, index }: NodeCoordinates): {
  address: TileAddress
  height: number
  position: number
} {
  const tileLevel = Math.floor(level / tileHeight)
  const height = level % tileHeight
  const bits = BigInt(tileHeight - height)
  return {
    address: { level: tileLevel, index: index >> bits },
    height,
    position: Number(index & ((1n << bits) - 1n)),
  }
}
