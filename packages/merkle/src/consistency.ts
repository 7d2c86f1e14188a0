/** Consistency proofs: the evidence that a tree extends an older one (RFC 6962 section 2.1.2). */
import { ProofError } from './errors.ts'
import { emptyRootHash, nodeHash } from './hash.ts'
import type { ConsistencyProof, Hash } from './types.ts'

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
  let node = oldSize - 1n
  let last = newSize - 1n
  while ((node & 1n) === 1n) {
    node >>= 1n
    last >>= 1n
  }
  // A power of two: the old root is a node of the new tree, so the proof leaves it out.
  const path = node === 0n ? [oldRoot, ...hashes] : hashes
  const [first, ...rest] = path
  if (first === undefined) throw new ProofError('wrong_length', 'the consistency proof is too short')
  let oldHash = first
  let newHash = first
  for (const hash of rest) {
    if (last === 0n) throw new ProofError('wrong_length', 'the consistency proof is too long')
    if ((node & 1n) === 1n || node === last) {
      oldHash = nodeHash(hash, oldHash)
      newHash = nodeHash(hash, newHash)
      while ((node & 1n) === 0n && node !== 0n) {
        node >>= 1n
        last >>= 1n
      }
    } else {
      newHash = nodeHash(newHash, hash)
    }
    node >>= 1n
    last >>= 1n
  }
  if (last !== 0n) throw new ProofError('wrong_length', 'the consistency proof is too short')
  assertRoot(oldHash, oldRoot)
  assertRoot(newHash, newRoot)
}

function assertRoot(computed: Hash, expected: Hash): void {
  if (Buffer.compare(computed, expected) !== 0) {
    throw new ProofError('root_mismatch', 'the consistency proof leads to another root')
  }
}
