/** One member of a gzip file (RFC 1952). Node's own reader runs on into the next one, and an apk needs the seams. */
import { crc32, inflateRawSync } from 'node:zlib'
import { asBuffer } from '@sigstack/crypto'
import { EntryError } from '../errors.ts'

export type GzipMember = {
  readonly content: Uint8Array
  /** Where the next member begins. */
  readonly end: number
}

const flag = { headerCrc: 0x02, extra: 0x04, name: 0x08, comment: 0x10, reserved: 0xe0 }
const trailerBytes = 8

/** Reads the member at `start`, of at most `limit` unpacked bytes. Throws `bad_format` and `too_large`. */
export function readGzipMember(file: Uint8Array, start: number, limit: number, name: string): GzipMember {
  const bytes = asBuffer(file)
  const deflated = bytes.subarray(headerEnd(bytes, start, name))
  const { content, usedBytes } = inflate(deflated, limit, name)
  const trailer = deflated.subarray(usedBytes, usedBytes + trailerBytes)
  if (
    trailer.length < trailerBytes ||
    trailer.readUInt32LE(0) !== crc32(content) ||
    trailer.readUInt32LE(4) !== content.length
  )
    throw new EntryError('bad_format', `reading ${name}: gzip: invalid checksum`)
  return { content, end: bytes.length - deflated.length + usedBytes + trailerBytes }
}

function headerEnd(bytes: Buffer, start: number, name: string): number {
  const flags = bytes[start + 3] ?? flag.reserved
  if (
    bytes[start] !== 0x1f ||
    bytes[start + 1] !== 0x8b ||
    bytes[start + 2] !== 8 ||
    (flags & flag.reserved) !== 0 ||
    bytes.length < start + 12
  )
    throw new EntryError('bad_format', `reading ${name}: gzip: invalid header`)
  let at = start + 10
  if (flags & flag.extra) at += 2 + bytes.readUInt16LE(at)
  for (const text of [flag.name, flag.comment]) {
    if (!(flags & text)) continue
    const zero = bytes.indexOf(0, at)
    at = zero === -1 ? bytes.length : zero + 1
  }
  return flags & flag.headerCrc ? at + 2 : at
}

type Inflated = { readonly buffer: Buffer; readonly engine: { readonly bytesWritten: number } }

function inflate(deflated: Buffer, limit: number, name: string): { content: Buffer; usedBytes: number } {
  try {
    // The type of Node's call does not know that `info` changes what it returns.
    const result: unknown = inflateRawSync(deflated, { info: true, maxOutputLength: limit })
    const { buffer, engine } = result as Inflated
    return { content: buffer, usedBytes: engine.bytesWritten }
  } catch (cause) {
    if (!(cause instanceof Error) || !('code' in cause)) throw cause
    if (cause.code === 'ERR_BUFFER_TOO_LARGE')
      throw new EntryError(
        'too_large',
        `decompressed size (${limit + 1}) for ${name} exceeds max allowed size ${limit}`,
        { cause },
      )
    throw new EntryError('bad_format', `reading ${name}: ${cause.message}`, { cause })
  }
}
