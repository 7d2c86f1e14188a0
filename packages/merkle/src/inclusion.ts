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
  const { sides, hashes } = wayOf(proof, leafHash)
  return proof.siblings.map((sibling, at) => ({
    sibling,
    side: sides[at] as InclusionStep['side'],
    hash: hashes[at + 1] as Hash,
  }))
}

/** From a leaf to a root: its hash comes first, then what it makes together with each sibling. */
type Way = {
  readonly siblings: readonly Hash[]
  readonly sides: readonly InclusionStep['side'][]
  readonly hashes: readonly Hash[]
}

/** As by RFC 9162 section 2.1.3.2. What the last steps of `known` gave is not computed again where they are the same. */
function wayOf({ leafIndex, treeSize, siblings }: InclusionProof, leafHash: Hash, known?: Way): Way {
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
  // Two ways meet at their ends.
  const ahead = (known?.siblings.length ?? 0) - siblings.length
  const sides: InclusionStep['side'][] = []
  const hashes = [leafHash]
  let hash = leafHash
  let bits = 0
  for (const [height, sibling] of siblings.entries()) {
    if (height % 32 === 0) bits = Number(BigInt.asUintN(32, leafIndex >> BigInt(height)))
    const side = height >= inner || ((bits >>> (height % 32)) & 1) === 1 ? 'left' : 'right'
    hash =
      parentIn(known, height + ahead, hash, sibling, side) ??
      (side === 'left' ? nodeHash(sibling, hash) : nodeHash(hash, sibling))
    sides.push(side)
    hashes.push(hash)
  }
  return { siblings, sides, hashes }
}

/** What the step `at` of a way gave, if it was of this hash and this sibling on this side. */
function parentIn(
  way: Way | undefined,
  at: number,
  hash: Hash,
  sibling: Hash,
  side: InclusionStep['side'],
): Hash | undefined {
  if (way === undefined || way.sides[at] !== side) return undefined
  return isSame(way.hashes[at], hash) && isSame(way.siblings[at], sibling) ? way.hashes[at + 1] : undefined
}

function isSame(one: Hash | undefined, other: Hash): boolean {
  return one !== undefined && (one === other || Buffer.compare(one, other) === 0)
}

/** Throws a {@link ProofError} unless `proof` leads from `leafHash` to `rootHash`. */
export function verifyInclusion(proof: InclusionProof, leafHash: Hash, rootHash: Hash): void {
  verifyInclusions([{ proof, leafHash }], rootHash)
}

/**
 * Throws a {@link ProofError} unless every proof leads from its leaf to `rootHash`. What the ways of two that follow each other have in
 * common is hashed once: of neighbours in a tree nearly all of them.
 */
export function verifyInclusions(
  proofs: readonly { readonly proof: InclusionProof; readonly leafHash: Hash }[],
  rootHash: Hash,
): void {
  let last: Way | undefined
  for (const { proof, leafHash } of proofs) {
    last = wayOf(proof, leafHash, last)
    if (Buffer.compare(last.hashes.at(-1) as Hash, rootHash) !== 0)
      throw new ProofError('root_mismatch', 'the inclusion proof leads to another root')
  }
}
