/** RFC 6962 section 2.1 as it is written there: slow, recursive, and easy to check by eye. */
import { nodeHash } from '../src/hash.ts'
import { asHash, emptyRootHash, type Hash } from '../src/index.ts'

export function textbookRoot(leaves: readonly Hash[]): Hash {
  if (leaves.length === 0) return emptyRootHash
  if (leaves.length === 1) return asHash(leaves[0] as Hash)
  const k = split(leaves.length)
  return nodeHash(textbookRoot(leaves.slice(0, k)), textbookRoot(leaves.slice(k)))
}

/** PATH(m, D[n]) of section 2.1.1. */
export function textbookPath(m: number, leaves: readonly Hash[]): Hash[] {
  if (leaves.length === 1) return []
  const k = split(leaves.length)
  return m < k
    ? [...textbookPath(m, leaves.slice(0, k)), textbookRoot(leaves.slice(k))]
    : [...textbookPath(m - k, leaves.slice(k)), textbookRoot(leaves.slice(0, k))]
}

/** The sides of the hashes of PATH(m, D[n]), for trees too large to be made. */
export function textbookSides(m: bigint, n: bigint): ('left' | 'right')[] {
  if (n === 1n) return []
  let k = 1n
  while (k * 2n < n) k *= 2n
  return m < k ? [...textbookSides(m, k), 'right'] : [...textbookSides(m - k, n - k), 'left']
}

/** PROOF(m, D[n]) of section 2.1.2. */
export function textbookConsistency(m: number, leaves: readonly Hash[]): Hash[] {
  return subproof(m, leaves, true)
}

function subproof(m: number, leaves: readonly Hash[], complete: boolean): Hash[] {
  if (m === leaves.length) return complete ? [] : [textbookRoot(leaves)]
  const k = split(leaves.length)
  return m <= k
    ? [...subproof(m, leaves.slice(0, k), complete), textbookRoot(leaves.slice(k))]
    : [...subproof(m - k, leaves.slice(k), false), textbookRoot(leaves.slice(0, k))]
}

/** The recursion of draft-ietf-plants-merkle-tree-certs section 4 for the subtree of `start` to `end`. */
export function textbookSubtree(start: number, end: number, leaves: readonly Hash[], known = true): Hash[] {
  if (start === 0 && end === leaves.length) return known ? [] : [textbookRoot(leaves)]
  const k = split(leaves.length)
  const [left, right] = [leaves.slice(0, k), leaves.slice(k)]
  if (end <= k) return [...textbookSubtree(start, end, left, known), textbookRoot(right)]
  if (start >= k) return [...textbookSubtree(start - k, end - k, right, known), textbookRoot(left)]
  return [...textbookSubtree(0, end - k, right, false), textbookRoot(left)]
}

function split(n: number): number {
  let k = 1
  while (k * 2 < n) k *= 2
  return k
}
