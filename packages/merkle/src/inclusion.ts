/**
 * Inclusion proofs: the evidence that a leaf is in a tree (RFC 6962 section 2.1.1).
 *
 * Sizes and indexes are bigints and count leaves; index 0 is the oldest leaf. Nothing here does I/O, and everything
 * that comes from a peer is refused with a {@link ProofError}, never trusted.
 */
import { ProofError } from './errors.ts'
import { nodeHash } from './hash.ts'
import type { Hash, InclusionProof } from './types.ts'

/** One step of a proof towards the root: the hash it gives, on its side, and what both make together. */
export type InclusionStep = {
  readonly sibling: Hash
  readonly side: 'left' | 'right'
  readonly hash: Hash
}

/** The way from the leaf to the only root for which `proof` can hold, for whoever shows it; that root is what comes last. */
export function inclusionSteps(proof: InclusionProof, leafHash: Hash): readonly InclusionStep[] {
  const steps: InclusionStep[] = []
  rootFromInclusionProof(proof, leafHash, (step) => steps.push(step))
  return steps
}

/** The only root for which `proof` can hold. Follows RFC 9162 section 2.1.3.2. */
function rootFromInclusionProof(
  proof: InclusionProof,
  leafHash: Hash,
  onStep?: (step: InclusionStep) => void,
): Hash {
  const { leafIndex, treeSize, siblings } = proof
  if (leafIndex < 0n || leafIndex >= treeSize) {
    throw new ProofError('wrong_size', `leaf ${leafIndex} is not in a tree of ${treeSize}`)
  }
  let node = leafIndex
  let last = treeSize - 1n
  let hash = leafHash
  for (const sibling of siblings) {
    if (last === 0n) throw new ProofError('wrong_length', 'the inclusion proof is too long')
    if ((node & 1n) === 1n || node === last) {
      hash = nodeHash(sibling, hash)
      onStep?.({ sibling, side: 'left', hash })
      // A right-edge node without sibling is its own parent until it has one to its left.
      while ((node & 1n) === 0n && node !== 0n) {
        node >>= 1n
        last >>= 1n
      }
    } else {
      hash = nodeHash(hash, sibling)
      onStep?.({ sibling, side: 'right', hash })
    }
    node >>= 1n
    last >>= 1n
  }
  if (last !== 0n) throw new ProofError('wrong_length', 'the inclusion proof is too short')
  return hash
}

/** Throws a {@link ProofError} unless `proof` leads from `leafHash` to `rootHash`. */
export function verifyInclusion(proof: InclusionProof, leafHash: Hash, rootHash: Hash): void {
  if (Buffer.compare(rootFromInclusionProof(proof, leafHash), rootHash) !== 0) {
    throw new ProofError('root_mismatch', 'the inclusion proof leads to another root')
  }
}
