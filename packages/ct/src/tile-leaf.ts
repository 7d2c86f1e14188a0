/** An entry as tiles of data hold it, and the extension that names its index (C2SP static-ct-api). */
import { concatBytes, sha256 } from '@sigstack/crypto'
import { encodeCertificate, parseMerkleTreeLeaf } from './entry.ts'
import { CtError } from './errors.ts'
import { parseExtraData } from './extra-data.ts'
import { encodeUint, encodeVector } from './tls.ts'

const leafIndexExtension = 0
/** Of an index: 40 bits. */
const largestIndex = 2n ** 40n - 1n
/** Version and type of a leaf, which tiles leave out. */
const leafHeadBytes = 2

/** CtExtensions with the index of the entry alone. */
export function leafIndexExtensions(leafIndex: bigint): Uint8Array {
  if (leafIndex < 0n || leafIndex > largestIndex)
    throw new CtError('out_of_range', `${leafIndex} does not fit 40 bits`)
  const index = Buffer.alloc(8)
  index.writeBigUInt64BE(leafIndex)
  return concatBytes(encodeUint(leafIndexExtension, 1), encodeVector(index.subarray(3), 2))
}

/**
 * TileLeaf: the entry as it is in the tree, the precertificate where it is one, and the fingerprints of its issuers, by which they are
 * asked for. `issuers` are those, in DER. Throws CtError.
 */
export function encodeTileLeaf(
  leaf: Uint8Array,
  extraData: Uint8Array,
): { readonly bytes: Uint8Array; readonly issuers: readonly Uint8Array[] } {
  const { type } = parseMerkleTreeLeaf(leaf).entry
  const extra = parseExtraData(type, extraData)
  const bytes = concatBytes(
    leaf.subarray(leafHeadBytes),
    extra.type === 'precert' ? encodeCertificate(extra.precertificate) : new Uint8Array(),
    encodeVector(concatBytes(...extra.chain.map(sha256)), 2),
  )
  return { bytes, issuers: extra.chain }
}
