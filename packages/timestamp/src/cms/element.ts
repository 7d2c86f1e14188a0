/** DER from outside as a tree: in one encoding, since what is signed has no second one. */
import { CryptoError, type DerElement, readOnlyDer } from '@sigstack/crypto'
import { assertCheap } from '../tree-bounds.ts'

export type Element = {
  readonly tag: number
  /** The bytes after tag and length. */
  readonly content: Uint8Array
  /** Tag, length and content. */
  readonly whole: Uint8Array
  /** Of one that is constructed; at most `limit`. */
  children(limit?: number): readonly Element[]
}

/** A certificate has some 250 bytes of OBJECT IDENTIFIERs, and a token brings a few. */
const bounds = { maxDepth: 24, maxNodes: 20_000, maxOidBytes: 16 * 1024 }
const constructed = 0x20

/** The one element that `bytes` must be, with nothing behind it. Throws a CryptoError with `bad_der`. */
export function readElement(bytes: Uint8Array, tag?: number): Element {
  const element = readOnlyDer(bytes, tag)
  assertCheap(element, bounds)
  return elementOf(element)
}

function elementOf(element: DerElement): Element {
  const { tag, content, whole } = element
  return {
    tag,
    content,
    whole,
    children(limit) {
      if ((tag & constructed) === 0) throw new CryptoError('bad_der', 'a DER element has no elements within')
      return element.children(limit).map(elementOf)
    },
  }
}
