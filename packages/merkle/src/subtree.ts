/** Subtrees: the leaves of a range as a tree of their own (draft-ietf-plants-merkle-tree-certs section 4). */
import { ProofError } from './errors.ts'
import { emptyRootHash, nodeHash } from './hash.ts'
import { splitPoint } from './ranges.ts'
import type { Hash, LeafRange, SubtreeProof } from './types.ts'

/** Whether the range begins at a multiple of the smallest power of two that is not below its length. Empty ones do. */
export function isSubtree({ start, end }: LeafRange): boolean {
  if (start < 0n || start > end) return false
  const length = end - start
  const span = length < 2n ? 1n : 2n * splitPoint(length)
  return start % span === 0n
}

/** Throws a {@link ProofError} unless the leaves of the proof's range, whose tree is `subtreeHash`, are in the tree of `rootHash`. */
export function verifySubtree(proof: SubtreeProof, subtreeHash: Hash, rootHash: Hash): void {
  const { treeSize, hashes } = proof
  if (!isSubtree(proof) || proof.end > treeSize)
    throw new ProofError('wrong_size', `${proof.start} to ${proof.end} is no subtree of ${treeSize} leaves`)
  if (proof.start === proof.end) {
    if (hashes.length > 0) throw new ProofError('wrong_length', 'the proof of an empty subtree must be empty')
    return assertHash(subtreeHash, emptyRootHash)
  }
  const rest = [...hashes]
  const next = (): Hash => {
    const hash = rest.shift()
    if (hash === undefined) throw new ProofError('wrong_length', 'the subtree proof is too short')
    return hash
  }
  const computed = climb({ start: 0n, end: treeSize }, proof, { isWhole: true, subtreeHash, next })
  if (rest.length > 0) throw new ProofError('wrong_length', 'the subtree proof is too long')
  assertHash(computed.subtree, subtreeHash)
  assertHash(computed.node, rootHash)
}

type Climb = {
  /** Whether all of the subtree is below the node; else what the left one has of it is missing. */
  readonly isWhole: boolean
  readonly subtreeHash: Hash
  readonly next: () => Hash
}

/** The hashes of the node, and of what it has of the subtree, by the hashes of the proof. At most 64 deep. */
function climb(node: LeafRange, wanted: LeafRange, how: Climb): { subtree: Hash; node: Hash } {
  if (node.start === wanted.start && node.end === wanted.end) {
    const hash = how.isWhole ? how.subtreeHash : how.next()
    return { subtree: hash, node: hash }
  }
  const middle = node.start + splitPoint(node.end - node.start)
  if (wanted.end <= middle) {
    const below = climb({ start: node.start, end: middle }, wanted, how)
    return { ...below, node: nodeHash(below.node, how.next()) }
  }
  const isSplit = wanted.start < middle
  const below = isSplit
    ? climb({ start: middle, end: node.end }, { start: middle, end: wanted.end }, { ...how, isWhole: false })
    : climb({ start: middle, end: node.end }, wanted, how)
  const left = how.next()
  return {
    subtree: isSplit ? nodeHash(left, below.subtree) : below.subtree,
    node: nodeHash(left, below.node),
  }
}

function assertHash(computed: Hash, expected: Hash): void {
  if (Buffer.compare(computed, expected) !== 0)
    throw new ProofError('root_mismatch', 'the subtree proof leads to another root')
}
