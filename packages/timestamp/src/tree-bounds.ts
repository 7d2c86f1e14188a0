/** What makes DER from outside too costly to read as a tree, found by a walk that costs little. */
import { CryptoError, type DerElement, derTag } from '@sigstack/crypto'

export type TreeBounds = {
  readonly maxDepth: number
  readonly maxNodes: number
  /** Of all OBJECT IDENTIFIERs, their contents together. */
  readonly maxOidBytes: number
}

const relativeOid = 0x0d
const constructed = 0x20

/** Level by level. Throws a CryptoError with `bad_der` for what is no DER, is too deep, or has too much of something. */
export function assertCheap(root: DerElement, { maxDepth, maxNodes, maxOidBytes }: TreeBounds): void {
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
