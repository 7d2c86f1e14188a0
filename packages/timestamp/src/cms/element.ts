/** DER from outside as a tree, read by the library that pkijs reads with, and held to one encoding: what is signed has no second one. */
import { CryptoError } from '@sigstack/crypto'
import type { BaseBlock } from 'asn1js'
import { readTree } from '../read-tree.ts'

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
const mostChildren = 64

/** The one element that `bytes` must be, with nothing behind it. Throws a CryptoError with `bad_der`. */
export function readElement(bytes: Uint8Array, tag?: number): Element {
  const element = elementOf(readTree(bytes, bounds))
  if (tag !== undefined && element.tag !== tag)
    throw new CryptoError('bad_der', `DER tag ${element.tag} in place of ${tag}`)
  return element
}

function elementOf(block: BaseBlock): Element {
  const whole = block.valueBeforeDecodeView
  const { isIndefiniteForm, length } = block.lenBlock
  const tag = whole[0]
  if (tag === undefined || isIndefiniteForm) throw new CryptoError('bad_der', 'DER length is indefinite')
  if ((tag & 0x1f) === 0x1f) throw new CryptoError('bad_der', 'DER tags of several bytes are not used here')
  if (whole.length !== 1 + lengthBytes(length) + length)
    throw new CryptoError('bad_der', 'DER length is not minimal')
  return {
    tag,
    content: whole.subarray(whole.length - length),
    whole,
    children: (limit = mostChildren) => childrenOf(block, limit),
  }
}

function childrenOf(block: BaseBlock, limit: number): readonly Element[] {
  const { value } = block.valueBlock as { readonly value?: unknown }
  if (!block.idBlock.isConstructed || !Array.isArray(value))
    throw new CryptoError('bad_der', 'a DER element has no elements within')
  if (value.length > limit) throw new CryptoError('bad_der', `more than ${limit} DER elements`)
  return (value as readonly BaseBlock[]).map(elementOf)
}

/** How many bytes the shortest form of a length has. */
function lengthBytes(length: number): number {
  let bytes = 1
  if (length >= 0x80) for (let left = length; left > 0; left = Math.floor(left / 256)) bytes++
  return bytes
}
