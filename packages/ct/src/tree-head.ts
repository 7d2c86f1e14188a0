/** What the signature of a tree head covers (RFC 6962 section 3.5). */
import { concatBytes } from '@sigstack/crypto'
import { CtError } from './errors.ts'
import { encodeTimestamp, encodeUint64 } from './tls.ts'

export type TreeHeadToSign = {
  readonly timestampMs: number
  readonly treeSize: bigint
  /** 32 bytes. */
  readonly rootHash: Uint8Array
}

const v1 = 0
const treeHash = 1

export function sthSignedData({ timestampMs, treeSize, rootHash }: TreeHeadToSign): Uint8Array {
  if (rootHash.length !== 32)
    throw new CtError('out_of_range', `a root hash has 32 bytes, not ${rootHash.length}`)
  return concatBytes(
    Uint8Array.of(v1, treeHash),
    encodeTimestamp(timestampMs),
    encodeUint64(treeSize),
    rootHash,
  )
}
