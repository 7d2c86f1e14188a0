/** The words of RFC 6962: a hash, a tree head, and the two kinds of proof. */

declare const hashBrand: unique symbol

/** 32 bytes of SHA-256. */
export type Hash = Uint8Array & { readonly [hashBrand]: true }

/** Size counts leaves; the root hash is of exactly that many. */
export type TreeHead = { readonly size: bigint; readonly rootHash: Hash }

/** Sibling hashes from the leaf upwards, at most ceil(log2(treeSize)). Index 0 is the oldest leaf. */
export type InclusionProof = {
  readonly leafIndex: bigint
  readonly treeSize: bigint
  readonly siblings: readonly Hash[]
}

/** Hashes in the order of RFC 6962 section 2.1.2; empty when the sizes are equal or the old one is 0. */
export type ConsistencyProof = {
  readonly oldSize: bigint
  readonly newSize: bigint
  readonly hashes: readonly Hash[]
}

/** Leaves from `start` up to but not including `end`. */
export type LeafRange = { readonly start: bigint; readonly end: bigint }

/** That the tree of some leaves is a subtree of the tree of `treeSize`; deepest hash first. */
export type SubtreeProof = LeafRange & { readonly treeSize: bigint; readonly hashes: readonly Hash[] }
