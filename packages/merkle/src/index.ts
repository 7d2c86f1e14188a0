export type { ConsistencyPath, ConsistencyStep } from './consistency.ts'
export { consistencyPath, verifyConsistency } from './consistency.ts'
export { encodeEntryBundle, entriesOfBundle, longestBundledEntry } from './entry-bundle.ts'
export type { ProofErrorCode } from './errors.ts'
export { ProofError } from './errors.ts'
export { asHash, emptyRootHash, hashBytes, leafHash } from './hash.ts'
export type { InclusionStep } from './inclusion.ts'
export { inclusionSteps, verifyInclusion, verifyInclusions } from './inclusion.ts'
export { loadTiles, loadTree, type ReadTile } from './load.ts'
export type { TileAddress, TileSource } from './prove.ts'
export {
  proveConsistency,
  proveInclusion,
  proveSubtree,
  rootOfPrefix,
  tilesForConsistency,
  tilesForInclusion,
  tilesForInclusions,
  tilesForRoot,
  tilesForSubtree,
} from './prove.ts'
export { isSubtree, verifySubtree } from './subtree.ts'
export type { Tile } from './tile.ts'
export { createTile, tileFromHashes, tileHashes, tileHeight, tileNode, tileWidth } from './tile.ts'
export { parseTilePath, tilePath, widthOfTile } from './tile-path.ts'
export type { ChangedTile, EdgeTile, Grown, Tree } from './tree.ts'
export { emptyTree, growTree, treeFromEdge } from './tree.ts'
export type { ConsistencyProof, Hash, InclusionProof, LeafRange, SubtreeProof, TreeHead } from './types.ts'
