/**
 * Which hashes a proof is made of, as ranges of leaves. Proofs of RFC 6962 name subtrees over [start, end); each such range is
 * one perfect subtree, or at the right edge of the tree a row of them, largest first.
 */
import type { LeafRange } from './types.ts'

/** A perfect subtree: the node number `index`, from the left, of height `level` (0 is a leaf). */
export type NodeCoordinates = { readonly level: number; readonly index: bigint }

/** The hashes of RFC 6962 section 2.1.2, in the proof's order. */
export function consistencyRanges(oldSize: bigint, newSize: bigint): readonly LeafRange[] {
  return subtreeRanges({ start: 0n, end: oldSize }, newSize)
}

/**
 * The hashes that prove a subtree to be of the tree of `treeSize` (draft-ietf-plants-merkle-tree-certs section 4), deepest first. Of a
 * subtree at the start that is a consistency proof, of a single leaf an inclusion proof.
 */
export function subtreeRanges(subtree: LeafRange, treeSize: bigint): readonly LeafRange[] {
  if (subtree.start === subtree.end) return []
  const hashes: LeafRange[] = []
  // What is left of the subtree below the node that is looked at.
  let { start: wanted } = subtree
  let start = 0n
  let end = treeSize
  while (start !== wanted || end !== subtree.end) {
    const middle = start + splitPoint(end - start)
    if (subtree.end <= middle) {
      hashes.push({ start: middle, end })
      end = middle
    } else {
      hashes.push({ start, end: middle })
      start = middle
      if (wanted < middle) wanted = middle
    }
  }
  // The subtree's own hash is left out: whoever verifies has it.
  if (wanted !== subtree.start) hashes.push({ start, end })
  return hashes.reverse()
}

/** The perfect subtrees a range of a proof consists of, left (largest) to right. */
export function perfectSubtrees(range: LeafRange): readonly NodeCoordinates[] {
  const nodes: NodeCoordinates[] = []
  let { start } = range
  for (let left = range.end - start; left > 0n; left = range.end - start) {
    const level = bitLength(left) - 1
    nodes.push({ level, index: start >> BigInt(level) })
    start += 1n << BigInt(level)
  }
  return nodes
}

/** The largest power of two smaller than `size`, which is at least 2. */
export function splitPoint(size: bigint): bigint {
  return 1n << BigInt(bitLength(size - 1n) - 1)
}

/** How many bits it takes to write it; none for 0. */
export function bitLength(value: bigint): number {
  // Sizes of real trees are exact as numbers, where this costs a few nanoseconds.
  if (value <= 0xffff_ffffn) return 32 - Math.clz32(Number(value))
  return 32 + bitLength(value >> 32n)
}

/** How many of its bits are set. */
export function bitCount(value: bigint): number {
  let count = 0
  for (let rest = value; rest > 0n; rest >>= 32n)
    for (let bits = Number(BigInt.asUintN(32, rest)); bits !== 0; bits &= bits - 1) count++
  return count
}
