/** Hashing of RFC 6962 section 2.1: 0x00 before a leaf, 0x01 before two children, so neither can pass for the other. */
import { hash } from 'node:crypto'
import type { Hash } from './types.ts'

export const hashBytes = 32

// One scratch for all nodes: hashing is synchronous, so nobody sees it half written.
const node = Buffer.alloc(1 + 2 * hashBytes)
node[0] = 1
// And one for leaves of usual size, behind their 0x00.
const usualLeaf = Buffer.alloc(1 + 65_536)

/** The root of the tree without leaves: SHA-256 of nothing. */
export const emptyRootHash: Hash = asHash(Buffer.from(hash('sha256', '', 'hex'), 'hex'))

export function leafHash(leaf: Uint8Array): Hash {
  const length = 1 + leaf.length
  const prefixed = length <= usualLeaf.length ? usualLeaf.subarray(0, length) : Buffer.alloc(length)
  prefixed.set(leaf, 1)
  return asHash(Buffer.from(hash('sha256', prefixed, 'binary'), 'latin1'))
}

export function nodeHash(left: Uint8Array, right: Uint8Array): Hash {
  node.set(left, 1)
  node.set(right, 1 + hashBytes)
  return asHash(Buffer.from(hash('sha256', node, 'binary'), 'latin1'))
}

/** The parent of the two hashes at `from` in `buffer`, written at `to`. */
export function hashPairInto(buffer: Buffer, from: number, to: number): void {
  buffer.copy(node, 1, from, from + 2 * hashBytes)
  buffer.write(hash('sha256', node, 'binary'), to, hashBytes, 'latin1')
}

/** Brands 32 bytes as a hash; throws a RangeError for any other length. */
export function asHash(bytes: Uint8Array): Hash {
  if (bytes.length !== hashBytes) throw new RangeError(`a hash has ${hashBytes} bytes, not ${bytes.length}`)
  return bytes as Hash
}
