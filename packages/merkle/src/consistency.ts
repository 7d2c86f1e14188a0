/** Consistency proofs: the evidence that a tree extends an older one (RFC 6962 section 2.1.2). */
import { ProofError } from './errors.ts'
import { emptyRootHash, nodeHash } from './hash.ts'
import type { ConsistencyProof, Hash } from './types.ts'

/** One step of a proof towards the roots. What is on the left is of both trees, what is on the right of the newer alone. */
export type ConsistencyStep = {
  readonly sibling: Hash
  readonly side: 'left' | 'right'
  /** What was put together so far: in the older tree, and in the newer. */
  readonly oldHash: Hash
  readonly newHash: Hash
}

/** From the largest subtree that both trees end with, for whoever shows it; the roots are what comes last. */
export type ConsistencyPath = { readonly start: Hash; readonly steps: readonly ConsistencyStep[] }

/** The way to the only roots for which `proof` can hold. Throws a {@link ProofError} where there is none; equal sizes need none. */
export function consistencyPath(proof: ConsistencyProof, oldRoot: Hash): ConsistencyPath {
  const { oldSize, newSize, hashes } = proof
  if (oldSize <= 0n || oldSize >= newSize)
    throw new ProofError('wrong_size', `there is no way from ${oldSize} leaves to ${newSize}`)
  let node = oldSize - 1n
  let last = newSize - 1n
  while ((node & 1n) === 1n) {
    node >>= 1n
    last >>= 1n
  }
  // A power of two: the old root is a node of the new tree, so the proof leaves it out.
  const [start, ...rest] = node === 0n ? [oldRoot, ...hashes] : hashes
  if (start === undefined) throw new ProofError('wrong_length', 'the consistency proof is too short')
  const steps: ConsistencyStep[] = []
  let oldHash = start
  let newHash = start
  for (const sibling of rest) {
    if (last === 0n) throw new ProofError('wrong_length', 'the consistency proof is too long')
    if ((node & 1n) === 1n || node === last) {
      oldHash = nodeHash(sibling, oldHash)
      newHash = nodeHash(sibling, newHash)
      steps.push({ sibling, side: 'left', oldHash, newHash })
      while ((node & 1n) === 0n && node !== 0n) {
        node >>= 1n
        last >>= 1n
      }
    } else {
      newHash = nodeHash(newHash, sibling)
      steps.push({ sibling, side: 'right', oldHash, newHash })
    }
    node >>= 1n
    last >>= 1n
  }
  if (last !== 0n) throw new ProofError('wrong_length', 'the consistency proof is too short')
  return { start, steps }
}

/** Throws a {@link ProofError} unless the tree of `newRoot` begins with the tree of `oldRoot`. RFC 9162 section 2.1.4.2. */
export function verifyConsistency(proof: ConsistencyProof, oldRoot: Hash, newRoot: Hash): void {
  const { oldSize, newSize, hashes } = proof
  if (oldSize < 0n || oldSize > newSize)
    throw new ProofError('wrong_size', `${oldSize} leaves are more than ${newSize}`)
  if (oldSize === newSize) {
    if (hashes.length > 0) throw new ProofError('wrong_length', 'the consistency proof must be empty')
    assertRoot(oldRoot, newSize === 0n ? emptyRootHash : newRoot)
    assertRoot(newRoot, oldRoot)
    return
  }
  if (oldSize === 0n)
    throw new ProofError('wrong_size', 'every tree extends the empty one: there is nothing to prove')
  const { start, steps } = consistencyPath(proof, oldRoot)
  const { oldHash, newHash } = steps.at(-1) ?? { oldHash: start, newHash: start }
  assertRoot(oldHash, oldRoot)
  assertRoot(newHash, newRoot)
}

function assertRoot(computed: Hash, expected: Hash): void {
  if (Buffer.compare(computed, expected) !== 0) {
    throw new ProofError('root_mismatch', 'the consistency proof leads to another root')
  }
}
