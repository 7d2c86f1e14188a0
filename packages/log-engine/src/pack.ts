/**
 * The stored form of a leaf. Leaves of Rekor are JSON that holds base64 of PEM, which is base64 again: text of 1,670 bytes around some 800
 * that say something. Base64 that can be restored exactly is stored as what it encodes; everything else as it is.
 *
 *     stored  = 0x00 ‖ leaf  |  0x01 ‖ segment*
 *     segment = kind (1 byte) ‖ length (varint) ‖ content
 *
 * Packing checks itself by unpacking, so a leaf that would not come back byte for byte is stored as it is.
 */
import { type Piece, runsIn, wrappedIn } from './base64-runs.ts'

const raw = 0
const packed = 1

const kind = {
  literal: 0,
  /** Base64 of the content, in one run. */
  base64: 1,
  /** Base64 of what the content's segments give. */
  base64OfSegments: 2,
  /** Base64 of the content in lines of 64 columns, each with its line feed: the inside of PEM. */
  lines: 3,
} as const

const columns = 64

export function pack(leaf: Uint8Array): Uint8Array {
  const bytes = Buffer.from(leaf.buffer, leaf.byteOffset, leaf.byteLength)
  const segments = segmentsOf(bytes, runsIn(bytes, columns), encodeRun)
  const candidate = Buffer.concat([Buffer.of(packed), ...segments])
  const isWorthIt = candidate.length < bytes.length && bytes.equals(unpack(candidate))
  return isWorthIt ? candidate : Buffer.concat([Buffer.of(raw), bytes])
}

/** Throws for bytes that {@link pack} did not make. */
export function unpack(stored: Uint8Array): Buffer {
  const bytes = Buffer.from(stored.buffer, stored.byteOffset, stored.byteLength)
  if (bytes[0] === raw) return bytes.subarray(1)
  if (bytes[0] !== packed) throw new Error('a stored leaf of an unknown form')
  return Buffer.from(textOf(bytes, 1, bytes.length), 'latin1')
}

/** Cuts `bytes` at the pieces that `encode` takes; the rest is literal. */
function segmentsOf(
  bytes: Buffer,
  pieces: readonly Piece[],
  encode: (text: string) => Buffer | undefined,
): readonly Buffer[] {
  const segments: Buffer[] = []
  let at = 0
  for (const { start, end } of pieces) {
    const encoded = encode(bytes.toString('latin1', start, end))
    if (encoded === undefined) continue
    if (start > at) segments.push(segment(kind.literal, bytes.subarray(at, start)))
    segments.push(encoded)
    at = end
  }
  if (at < bytes.length) segments.push(segment(kind.literal, bytes.subarray(at)))
  return segments
}

function encodeRun(text: string): Buffer | undefined {
  const content = Buffer.from(text, 'base64')
  if (content.toString('base64') !== text) return undefined
  if (content[0] !== 0x2d) return segment(kind.base64, content)
  const segments = segmentsOf(content, wrappedIn(content, columns), encodeLines)
  return segment(kind.base64OfSegments, Buffer.concat(segments))
}

function encodeLines(text: string): Buffer | undefined {
  const content = Buffer.from(text, 'base64')
  return linesOf(content) === text ? segment(kind.lines, content) : undefined
}

function linesOf(content: Buffer): string {
  const base64 = content.toString('base64')
  let text = ''
  for (let at = 0; at < base64.length; at += columns) text += `${base64.slice(at, at + columns)}\n`
  return text
}

function segment(of: number, content: Buffer): Buffer {
  const header = [of]
  let length = content.length
  for (; length >= 0x80; length >>>= 7) header.push((length & 0x7f) | 0x80)
  return Buffer.concat([Buffer.of(...header, length), content])
}

function textOf(bytes: Buffer, start: number, end: number): string {
  let text = ''
  for (let at = start; at < end; ) {
    const of = bytes[at++]
    let length = 0
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++] ?? 0
      length |= (byte & 0x7f) << shift
      if (byte < 0x80) break
      if (shift > 21) throw new Error('a stored leaf with a broken length')
    }
    if (at + length > end) throw new Error('a stored leaf that ends too early')
    text += contentText(of, bytes, at, at + length)
    at += length
  }
  return text
}

function contentText(of: number | undefined, bytes: Buffer, start: number, end: number): string {
  switch (of) {
    case kind.literal:
      return bytes.toString('latin1', start, end)
    case kind.base64:
      return bytes.toString('base64', start, end)
    case kind.base64OfSegments:
      return Buffer.from(textOf(bytes, start, end), 'latin1').toString('base64')
    case kind.lines:
      return linesOf(bytes.subarray(start, end))
    default:
      throw new Error('a stored leaf with a segment of an unknown kind')
  }
}
