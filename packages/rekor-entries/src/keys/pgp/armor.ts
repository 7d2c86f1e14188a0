/**
 * OpenPGP's ASCII armour (RFC 9580 section 6). Our own reader, since the library's is a stream, and bounds and a plain answer are
 * wanted here. The checksum is not checked, as the standard asks.
 */
import { CryptoError, parseBase64, toBase64 } from '@sigstack/crypto'
import { EntryError } from '../../errors.ts'

export type ArmorBlock = {
  /** `PGP SIGNATURE` and the like. */
  readonly type: string
  /** Decoded when asked for; refuses broken base64 with `bad_format`. */
  readonly bytes: Uint8Array
}

const begin = '-----BEGIN '
const end = '-----END '
const dashes = '-----'
const columns = 64

/** The first block in `text`, or `undefined` when there is none. */
export function findArmor(text: string): ArmorBlock | undefined {
  let type: string | undefined
  let isBody = false
  const body: string[] = []
  for (const line of linesOf(text)) {
    const isBegin =
      line.startsWith(begin) && line.endsWith(dashes) && line.length > begin.length + dashes.length
    if (type === undefined) {
      if (isBegin) type = line.slice(begin.length, -dashes.length)
    } else if (!isBody) {
      // Headers end with an empty line. What has none is text that looks like a block.
      if (line === '') isBody = true
      else if (isBegin) type = line.slice(begin.length, -dashes.length)
      else if (!line.includes(':')) type = undefined
    } else if (line.startsWith(end) || (line.length === 5 && line.startsWith('='))) {
      return blockOf(type, body)
    } else body.push(line)
  }
  return undefined
}

function blockOf(type: string, lines: readonly string[]): ArmorBlock {
  return {
    type,
    get bytes() {
      return parseBody(lines)
    },
  }
}

function parseBody(lines: readonly string[]): Uint8Array {
  try {
    return parseBase64(lines.join(''))
  } catch (cause) {
    if (!(cause instanceof CryptoError)) throw cause
    throw new EntryError('bad_format', 'openpgp: invalid data: armor invalid', { cause })
  }
}

/** No headers, 64 columns, a checksum, and no final line feed: as Go writes it. */
export function encodeArmor(type: string, bytes: Uint8Array): string {
  const base64 = toBase64(bytes)
  let lines = ''
  for (let at = 0; at < base64.length; at += columns) lines += `${base64.slice(at, at + columns)}\n`
  return `${begin}${type}${dashes}\n\n${lines}=${checksum(bytes)}\n${end}${type}${dashes}`
}

/** Without white space around them. */
function* linesOf(text: string): Generator<string> {
  for (let at = 0; at < text.length; ) {
    const lineBreak = text.indexOf('\n', at)
    const to = lineBreak === -1 ? text.length : lineBreak
    yield text.slice(at, to).trim()
    at = to + 1
  }
}

/** CRC-24 of RFC 9580 section 6.1. */
function checksum(bytes: Uint8Array): string {
  let crc = 0xb704ce
  for (const byte of bytes) crc = ((crc << 8) & 0xffffff) ^ (crcTable[(crc >>> 16) ^ byte] ?? 0)
  return toBase64(Uint8Array.of(crc >>> 16, (crc >>> 8) & 0xff, crc & 0xff))
}

const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 16
  for (let bit = 0; bit < 8; bit++) crc = (crc << 1) ^ (crc & 0x800000 ? 0x1864cfb : 0)
  return crc & 0xffffff
})
