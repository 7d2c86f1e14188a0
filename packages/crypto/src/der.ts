/**
 * The little DER (X.690) that this house reads and writes by hand: a bounded walk over elements with
 * one-byte tags and definite, minimal lengths, and a writer for the same.
 */
import { CryptoError } from './errors.ts'

export type DerElement = {
  readonly tag: number
  /** The bytes after tag and length. */
  readonly content: Uint8Array
  /** Tag, length and content. */
  readonly whole: Uint8Array
  /** The elements inside, at most `limit`, which is 64 when left out. */
  children(limit?: number): readonly DerElement[]
}

export const derTag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utf8String: 0x0c,
  sequence: 0x30,
  set: 0x31,
} as const

/** The element at `offset`; what follows it is the caller's. */
export function readDer(bytes: Uint8Array, offset = 0): DerElement {
  return readWithin(bytes, offset, bytes.length)
}

/** The one element that `bytes` must be, with nothing behind it. */
export function readOnlyDer(bytes: Uint8Array, tag?: number): DerElement {
  const element = readWithin(bytes, 0, bytes.length)
  if (element.end !== bytes.length) throw new CryptoError('bad_der', 'bytes follow the DER element')
  if (tag !== undefined && element.tag !== tag)
    throw new CryptoError('bad_der', `DER tag ${element.tag} in place of ${tag}`)
  return element
}

/** The elements inside `content`, at most `limit`. */
export function readDerChildren(content: Uint8Array, limit = 64): readonly DerElement[] {
  return readAll(content, 0, content.length, limit)
}

function readAll(bytes: Uint8Array, start: number, bound: number, limit: number): readonly DerElement[] {
  const elements: DerElement[] = []
  for (let offset = start; offset < bound; ) {
    if (elements.length === limit) throw new CryptoError('bad_der', `more than ${limit} DER elements`)
    const element = readWithin(bytes, offset, bound)
    elements.push(element)
    offset = element.end
  }
  return elements
}

function readWithin(bytes: Uint8Array, offset: number, bound: number): Element {
  if (offset + 2 > bound) throw new CryptoError('bad_der', 'DER ends too early')
  const tag = bytes[offset] ?? 0
  const first = bytes[offset + 1] ?? 0
  if ((tag & 0x1f) === 0x1f) throw new CryptoError('bad_der', 'DER tags of several bytes are not used here')
  let length = first
  let start = offset + 2
  if (first >= 0x80) {
    const count = first & 0x7f
    if (count === 0 || count > 4) throw new CryptoError('bad_der', 'DER length is indefinite or too long')
    length = 0
    for (let i = 0; i < count; i++) length = length * 256 + (bytes[start + i] ?? 0)
    start += count
    if (length < 0x80 || length < 256 ** (count - 1))
      throw new CryptoError('bad_der', 'DER length is not minimal')
  }
  const end = start + length
  if (end > bound) throw new CryptoError('bad_der', 'DER ends too early')
  return new Element(tag, bytes, offset, start, end)
}

/** A certificate is a hundred of them, and of most only what is inside is looked at: views are made when they are asked for. */
class Element implements DerElement {
  readonly tag: number
  private readonly bytes: Uint8Array
  private readonly offset: number
  private readonly start: number
  readonly end: number
  private view: Uint8Array | undefined

  constructor(tag: number, bytes: Uint8Array, offset: number, start: number, end: number) {
    this.tag = tag
    this.bytes = bytes
    this.offset = offset
    this.start = start
    this.end = end
    this.view = undefined
  }

  get content(): Uint8Array {
    this.view ??= this.bytes.subarray(this.start, this.end)
    return this.view
  }

  get whole(): Uint8Array {
    return this.bytes.subarray(this.offset, this.end)
  }

  children(limit = 64): readonly DerElement[] {
    return readAll(this.bytes, this.start, this.end, limit)
  }
}

export function der(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  const length = lengthOf(contents)
  return write(new Uint8Array(headerBytes(length) + length), tag, length, contents)
}

/**
 * The same in the memory that Node's small buffers share, which takes a third of the time: for what is soon forgotten, since all of that
 * memory is kept for it, and goes to another thread with it.
 */
export function shortLivedDer(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  const length = lengthOf(contents)
  return write(Buffer.allocUnsafe(headerBytes(length) + length), tag, length, contents)
}

function lengthOf(parts: readonly Uint8Array[]): number {
  let length = 0
  for (const part of parts) length += part.length
  return length
}

/** Of tag and length. */
function headerBytes(length: number): number {
  return length < 0x80 ? 2 : length < 0x100 ? 3 : length < 0x10000 ? 4 : length < 0x1000000 ? 5 : 6
}

/** Shorter parts are copied faster byte by byte. */
const mostCopied = 32

function write(whole: Uint8Array, tag: number, length: number, contents: readonly Uint8Array[]): Uint8Array {
  const start = whole.length - length
  whole[0] = tag
  if (start === 2) whole[1] = length
  else {
    whole[1] = 0x80 | (start - 2)
    for (let at = start - 1, rest = length; at > 1; at--, rest = Math.floor(rest / 256)) whole[at] = rest
  }
  let offset = start
  for (const part of contents) {
    if (part.length > mostCopied) whole.set(part, offset)
    else for (let at = 0; at < part.length; at++) whole[offset + at] = part[at] ?? 0
    offset += part.length
  }
  return whole
}

/** An INTEGER from an unsigned big-endian magnitude: leading zeros dropped, a sign byte added where needed. */
export function derUnsignedInteger(magnitude: Uint8Array): Uint8Array {
  let start = 0
  while (start < magnitude.length - 1 && magnitude[start] === 0) start++
  const trimmed = magnitude.subarray(start)
  const first = trimmed[0] ?? 0
  if (trimmed.length === 0) return der(derTag.integer, Uint8Array.of(0))
  return first >= 0x80 ? der(derTag.integer, Uint8Array.of(0), trimmed) : der(derTag.integer, trimmed)
}

/** The unsigned big-endian magnitude of a non-negative INTEGER's content, which must be minimal. */
export function unsignedIntegerOf(content: Uint8Array): Uint8Array {
  const [first, second] = content
  if (first === undefined) throw new CryptoError('bad_der', 'an empty INTEGER')
  if (first >= 0x80) throw new CryptoError('bad_der', 'a negative INTEGER')
  if (first === 0 && second !== undefined && second < 0x80)
    throw new CryptoError('bad_der', 'INTEGER is not minimal')
  return first === 0 && content.length > 1 ? content.subarray(1) : content
}

/** An OBJECT IDENTIFIER from its dotted form. */
export function derOid(oid: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = oid.split('.').map(Number)
  const bytes: number[] = []
  for (const arc of [first * 40 + second, ...rest]) {
    const groups = [arc & 0x7f]
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128))
      groups.unshift((left & 0x7f) | 0x80)
    bytes.push(...groups)
  }
  return der(derTag.oid, Uint8Array.from(bytes))
}

/** The dotted form of an OBJECT IDENTIFIER's content. */
export function oidOf(content: Uint8Array): string {
  if (content.length > longestOid) throw new CryptoError('bad_der', 'an OBJECT IDENTIFIER is too long')
  // By a number and not by a text of the bytes, which would take longer to make than all else here.
  let number = content.length
  for (let at = 0; at < content.length; at++) number = (Math.imul(number, 31) + (content[at] ?? 0)) | 0
  const known = dotted.get(number)
  if (known !== undefined && isSame(known.bytes, content)) return known.text
  const text = dottedOf(content)
  // Certificates name the same few again and again; a sender who makes them up only fills a table of this size.
  if (known === undefined && dotted.size < mostDotted)
    dotted.set(number, { bytes: Uint8Array.from(content), text })
  return text
}

/** Of a few bytes: by `equalBytes` a name takes 97 ns to be known, and 38 so. */
function isSame(one: Uint8Array, other: Uint8Array): boolean {
  if (one.length !== other.length) return false
  for (let at = 0; at < one.length; at++) if (one[at] !== other[at]) return false
  return true
}

const mostDotted = 256
/** Longer than any that is registered. */
const longestOid = 64
/** One of each number. */
const dotted = new Map<number, { readonly bytes: Uint8Array; readonly text: string }>()

function dottedOf(content: Uint8Array): string {
  const arcs: number[] = []
  let value = 0
  let starts = true
  for (const byte of content) {
    if (starts && byte === 0x80)
      throw new CryptoError('bad_der', 'an OBJECT IDENTIFIER arc has a leading zero')
    starts = byte < 0x80
    value = value * 128 + (byte & 0x7f)
    if (value > Number.MAX_SAFE_INTEGER)
      throw new CryptoError('bad_der', 'an OBJECT IDENTIFIER arc is too large')
    if ((byte & 0x80) === 0) {
      arcs.push(value)
      value = 0
    }
  }
  const [head] = arcs
  if (head === undefined || (content[content.length - 1] ?? 0) >= 0x80)
    throw new CryptoError('bad_der', 'a broken OBJECT IDENTIFIER')
  const first = Math.min(2, Math.floor(head / 40))
  return [first, head - first * 40, ...arcs.slice(1)].join('.')
}
