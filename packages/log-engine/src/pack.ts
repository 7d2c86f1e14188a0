/**
 * The stored form of a leaf. Leaves of Rekor are JSON that holds base64 of PEM, which is base64 again: text of 1,670 bytes around some 800
 * that say something. Base64 that can be restored exactly is stored as what it encodes; everything else as it is.
 *
 *     stored  = 0x00 ‖ leaf  |  0x01 ‖ segment*
 *     segment = kind (1 byte) ‖ length (varint) ‖ content
 *
 * Packing checks itself by unpacking, so a leaf that would not come back byte for byte is stored as it is.
 */
import { asBuffer } from '@sigstack/crypto'
import { base64Length, decodeBase64, encodeBase64 } from './base64.ts'
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
/** What a line of 64 columns encodes. */
const lineBytes = 48
const lineFeed = 0x0a
const hyphen = 0x2d

/** Base64 saves more than its segment costs, so segments, half written ones too, take at most so much more than the leaf. */
const roomBeside = 32
/** Larger leaves are packed in memory of their own. */
const usualBytes = 65_536
// Packing is synchronous: nobody sees what stands here for the moment.
const targetMemory = Buffer.allocUnsafeSlow(usualBytes)
const contentMemory = Buffer.allocUnsafeSlow(usualBytes)

/** Where segments are written; `at` is where the next one begins. */
type Target = { readonly bytes: Buffer; at: number }

/** Writes a piece as a segment; false where it would not come back byte for byte, and what was written does not count. */
type WritePiece = (target: Target, bytes: Buffer, piece: Piece) => boolean

export function pack(leaf: Uint8Array): Buffer {
  const bytes = asBuffer(leaf)
  const target: Target = { bytes: memoryFor(bytes.length + roomBeside, targetMemory), at: 0 }
  target.bytes[target.at++] = packed
  writeSegments(target, bytes, runsIn(bytes, columns), writeRun)
  if (target.at < bytes.length && comesBack(target, bytes))
    return Buffer.from(target.bytes.subarray(0, target.at))
  const stored = Buffer.allocUnsafe(1 + bytes.length)
  stored[0] = raw
  bytes.copy(stored, 1)
  return stored
}

/** Throws for bytes that {@link pack} did not make. */
export function unpack(stored: Uint8Array): Buffer {
  const bytes = asBuffer(stored)
  if (bytes[0] === raw) return bytes.subarray(1)
  if (bytes[0] !== packed) throw new Error('a stored leaf of an unknown form')
  return contentOf(bytes, 1, bytes.length)
}

function comesBack(stored: Target, leaf: Buffer): boolean {
  if (lengthOf(stored.bytes, 1, stored.at) !== leaf.length) return false
  const again = memoryFor(leaf.length, contentMemory)
  writeContent(stored.bytes, 1, stored.at, again, 0)
  return again.compare(leaf, 0, leaf.length, 0, leaf.length) === 0
}

/** Cuts `bytes` at the pieces that can be written; the rest is literal. */
function writeSegments(target: Target, bytes: Buffer, pieces: readonly Piece[], write: WritePiece): void {
  let done = 0
  for (const piece of pieces) {
    const before = target.at
    writeSegment(target, kind.literal, bytes, done, piece.start)
    if (write(target, bytes, piece)) done = piece.end
    else target.at = before
  }
  writeSegment(target, kind.literal, bytes, done, bytes.length)
}

/** None for no bytes. */
function writeSegment(target: Target, of: number, bytes: Buffer, start: number, end: number): void {
  if (start === end) return
  writeHeader(target, of, end - start)
  target.at += bytes.copy(target.bytes, target.at, start, end)
}

function writeHeader(target: Target, of: number, contentLength: number): void {
  target.bytes[target.at++] = of
  let length = contentLength
  for (; length >= 0x80; length >>>= 7) target.bytes[target.at++] = (length & 0x7f) | 0x80
  target.bytes[target.at++] = length
}

/** For content that stands already in the target, from `start` to `end` somewhere behind it. */
function writeHeaderOf(target: Target, of: number, start: number, end: number): void {
  writeHeader(target, of, end - start)
  target.bytes.copyWithin(target.at, start, end)
  target.at += end - start
}

/** More than a header takes. */
const roomForHeader = 8

function writeRun(target: Target, bytes: Buffer, { start, end }: Piece): boolean {
  const content = memoryFor(end - start, contentMemory)
  const length = decodeBase64(bytes, start, end, content, 0)
  if (length === undefined) return false
  if (content[0] !== hyphen) {
    writeSegment(target, kind.base64, content, 0, length)
    return true
  }
  const inner = content.subarray(0, length)
  const contentStart = target.at + roomForHeader
  const segments: Target = { bytes: target.bytes, at: contentStart }
  writeSegments(segments, inner, wrappedIn(inner, columns), writeLines)
  writeHeaderOf(target, kind.base64OfSegments, contentStart, segments.at)
  return true
}

function writeLines(target: Target, bytes: Buffer, { start, end }: Piece): boolean {
  const contentStart = target.at + roomForHeader
  const lineFeeds = Math.ceil((end - start) / (columns + 1))
  const contentEnd = decodeBase64(bytes, start, end - 1, target.bytes, contentStart, lineFeeds - 1)
  if (contentEnd === undefined) return false
  writeHeaderOf(target, kind.lines, contentStart, contentEnd)
  return true
}

/** The one that is being read; its content is from `start` to `end`. */
type Segment = { of: number | undefined; start: number; end: number }

/** Moves on to the segment at `at`, which ends at `end` at the latest. */
function readHeader(segment: Segment, bytes: Buffer, at: number, end: number): void {
  segment.of = bytes[at]
  let start = at + 1
  let length = 0
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[start++] ?? 0
    length |= (byte & 0x7f) << shift
    if (byte < 0x80) break
    if (shift > 21) throw new Error('a stored leaf with a broken length')
  }
  segment.start = start
  segment.end = start + length
  if (segment.end > end) throw new Error('a stored leaf that ends too early')
}

/** Of what the segments from `start` to `end` give. */
function lengthOf(bytes: Buffer, start: number, end: number): number {
  const segment: Segment = { of: undefined, start, end: start }
  let length = 0
  while (segment.end < end) {
    readHeader(segment, bytes, segment.end, end)
    length += contentLength(segment, bytes)
  }
  return length
}

function contentLength(segment: Segment, bytes: Buffer): number {
  const length = segment.end - segment.start
  switch (segment.of) {
    case kind.literal:
      return length
    case kind.base64:
      return base64Length(length)
    case kind.base64OfSegments:
      return base64Length(lengthOf(bytes, segment.start, segment.end))
    case kind.lines:
      return base64Length(length) + Math.ceil(length / lineBytes)
    default:
      throw new Error('a stored leaf with a segment of an unknown kind')
  }
}

function contentOf(bytes: Buffer, start: number, end: number): Buffer {
  const content = Buffer.allocUnsafe(lengthOf(bytes, start, end))
  writeContent(bytes, start, end, content, 0)
  return content
}

/** Writes what the segments from `start` to `end` give, whose kinds and lengths have been looked at. */
function writeContent(bytes: Buffer, start: number, end: number, content: Buffer, at: number): void {
  const segment: Segment = { of: undefined, start, end: start }
  let to = at
  while (segment.end < end) {
    readHeader(segment, bytes, segment.end, end)
    to = writeContentOf(segment, bytes, content, to)
  }
}

function writeContentOf({ of, start, end }: Segment, bytes: Buffer, content: Buffer, at: number): number {
  if (of === kind.literal) return at + bytes.copy(content, at, start, end)
  if (of === kind.base64) return encodeBase64(bytes, start, end, content, at)
  if (of === kind.base64OfSegments) {
    const inner = contentOf(bytes, start, end)
    return encodeBase64(inner, 0, inner.length, content, at)
  }
  // In one run first, as far behind as the line feeds take; each then comes before the lines that are still to be moved.
  let from = at + Math.ceil((end - start) / lineBytes)
  const charactersEnd = encodeBase64(bytes, start, end, content, from)
  let to = at
  for (; from < charactersEnd; from += columns) {
    const lineEnd = Math.min(from + columns, charactersEnd)
    content.copyWithin(to, from, lineEnd)
    to += lineEnd - from
    content[to++] = lineFeed
  }
  return to
}

function memoryFor(length: number, usual: Buffer): Buffer {
  return length <= usual.length ? usual : Buffer.allocUnsafeSlow(length)
}
