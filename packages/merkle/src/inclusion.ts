/**
 * Inclusion proofs: the evidence that a leaf is in a tree (RFC 6962 section 2.1.1).
 *
 * Sizes and indexes are bigints and count leaves; index 0 is the oldest leaf. Nothing here does I/O, and everything
 * that comes from a peer is refused with a {@link ProofError}, never trusted.
 */
import { ProofError } from './errors.ts'
import { nodeHash } from './hash.ts'
import { bitCount, bitLength } from './ranges.ts'
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

/** The only root for which `proof` can hold, as by RFC 9162 section 2.1.3.2. */
function rootFromInclusionProof(
  proof: InclusionProof,
  leafHash: Hash,
  onStep?: (step: InclusionStep) => void,
): Hash {
  const { leafIndex, treeSize, siblings } = proof
  if (leafIndex < 0n || leafIndex >= treeSize) {
    throw new ProofError('wrong_size', `leaf ${leafIndex} is not in a tree of ${treeSize}`)
  }
  // Below the node that parts the way of this leaf from that of the last one siblings are on either side, above it on the left.
  const inner = bitLength(leafIndex ^ (treeSize - 1n))
  const wanted = inner + bitCount(leafIndex >> BigInt(inner))
  if (siblings.length !== wanted) {
    const fault = siblings.length > wanted ? 'long' : 'short'
    throw new ProofError('wrong_length', `the inclusion proof is too ${fault}`)
  }
  let hash = leafHash
  let bits = 0
  for (const [height, sibling] of siblings.entries()) {
    if (height % 32 === 0) bits = Number(BigInt.asUintN(32, leafIndex >> BigInt(height)))
    const side = height >= inner || ((bits >>> (height % 32)) & 1) === 1 ? 'left' : 'right'
    hash = side === 'left' ? nodeHash(sibling, hash) : nodeHash(hash, sibling)
    onStep?.({ sibling, side, hash })
  }
  return hash
}

/** Throws a {@link ProofError} unless `proof` leads from `leafHash` to `rootHash`. */
export function verifyInclusion(proof: InclusionProof, leafHash: Hash, rootHash: Hash): void {
  if (Buffer.compare(rootFromInclusionProof(proof, leafHash), rootHash) !== 0) {
    throw new ProofError('root_mismatch', 'the inclusion proof leads to another root')
  }
}
