/**
 * DER from outside, read by the library that pkijs reads with. The library takes microseconds for each arc of an OBJECT IDENTIFIER,
 * so what would take long is found by a walk of our own, and never gets there.
 */
import { CryptoError, readOnlyDer } from '@sigstack/crypto'
import { type BaseBlock, fromBER } from 'asn1js'
import { assertCheap, type TreeBounds } from './tree-bounds.ts'

/** The one element that `bytes` must be, with nothing behind it. Throws a CryptoError with `bad_der`. */
export function readTree(bytes: Uint8Array, bounds: TreeBounds): BaseBlock {
  assertCheap(readOnlyDer(bytes), bounds)
  const { maxDepth, maxNodes } = bounds
  const { result } = libraryTree(bytes, { maxDepth, maxNodes, parseEmbedded: false, copyInput: false })
  if (result.error !== '') throw new CryptoError('bad_der', 'the bytes are no DER')
  return result
}

function libraryTree(...input: Parameters<typeof fromBER>): ReturnType<typeof fromBER> {
  try {
    return fromBER(...input)
  } catch (cause) {
    throw new CryptoError('bad_der', 'the bytes are no DER', { cause })
  }
}
