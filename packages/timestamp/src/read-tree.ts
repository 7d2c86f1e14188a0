/**
 * DER from outside, read by the library that pkijs reads with. The library takes microseconds for each arc of an OBJECT IDENTIFIER,
 * so what would take long is found by a walk of our own, and never gets there.
 */
import { CryptoError, type DerElement, derTag, readOnlyDer } from '@sigstack/crypto'
import { type BaseBlock, fromBER } from 'asn1js'

export type TreeBounds = {
  readonly maxDepth: number
  readonly maxNodes: number
  /** Of all OBJECT IDENTIFIERs, their contents together. */
  readonly maxOidBytes: number
}

const relativeOid = 0x0d
const constructed = 0x20

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

/** Level by level. Throws a CryptoError with `bad_der` for what is no DER, is too deep, or has too much of something. */
function assertCheap(root: DerElement, { maxDepth, maxNodes, maxOidBytes }: TreeBounds): void {
  let nodes = 0
  let oidBytes = 0
  let level: readonly DerElement[] = [root]
  for (let depth = 1; level.length > 0; depth++) {
    if (depth > maxDepth) throw new CryptoError('bad_der', `DER is more than ${maxDepth} levels deep`)
    nodes += level.length
    for (const { tag, content } of level)
      if (tag === derTag.oid || tag === relativeOid) oidBytes += content.length
    if (oidBytes > maxOidBytes)
      throw new CryptoError('bad_der', `OBJECT IDENTIFIERs of more than ${maxOidBytes} bytes`)
    const below: DerElement[] = []
    for (const element of level)
      if ((element.tag & constructed) !== 0)
        for (const child of element.children(maxNodes - nodes - below.length)) below.push(child)
    level = below
  }
}
