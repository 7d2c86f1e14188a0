/** Bytes and their text forms. Every decoder here is strict and throws a {@link CryptoError}. */
import { CryptoError } from './errors.ts'

const utf8Decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const utf8Encoder = new TextEncoder()

export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const part of parts) length += part.length
  const whole = new Uint8Array(length)
  let offset = 0
  for (const part of parts) {
    whole.set(part, offset)
    offset += part.length
  }
  return whole
}

/** Equality of public values; not constant in time, so never for secrets. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && asBuffer(a).equals(b)
}

export function utf8(text: string): Uint8Array {
  return utf8Encoder.encode(text)
}

/** Decodes UTF-8 and refuses what is not; `undefined` means refused. */
export function parseUtf8(bytes: Uint8Array): string | undefined {
  try {
    return utf8Decoder.decode(bytes)
  } catch {
    return undefined
  }
}

/** Lower-case hex. */
export function toHex(bytes: Uint8Array): string {
  return asBuffer(bytes).toString('hex')
}

/** Hex in either case, an even number of digits and nothing else. */
export function parseHex(text: string): Uint8Array {
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text))
    throw new CryptoError('bad_hex', 'not hexadecimal')
  return Buffer.from(text, 'hex')
}

/** Standard alphabet, padded. */
export function toBase64(bytes: Uint8Array): string {
  return asBuffer(bytes).toString('base64')
}

/**
 * Standard base64 as Go's decoder takes it: CR and LF are skipped, padding is required, other white
 * space and the URL alphabet are refused, non-zero trailing bits are tolerated.
 */
export function parseBase64(text: string): Uint8Array {
  const bytes = Buffer.from(text, 'base64')
  // Node's decoder skips what it does not know. That nothing was skipped is told fastest by encoding again.
  if (bytes.toString('base64') === text) return bytes
  if (!isPadded(text, /[^A-Za-z0-9+/]/)) throw new CryptoError('bad_base64', 'not standard padded base64')
  return bytes
}

/** URL-safe base64 with padding, otherwise as {@link parseBase64}. */
export function parseBase64Url(text: string): Uint8Array {
  if (!isPadded(text, /[^A-Za-z0-9_-]/)) throw new CryptoError('bad_base64', 'not URL-safe padded base64')
  return Buffer.from(text, 'base64url')
}

/** Linear, and without a repeated group: that would overflow the regular expression's stack on large input. */
function isPadded(text: string, foreign: RegExp): boolean {
  const compact = text.includes('\n') || text.includes('\r') ? text.replace(/[\r\n]/g, '') : text
  const padding = compact.endsWith('==') ? 2 : compact.endsWith('=') ? 1 : 0
  return compact.length % 4 === 0 && !foreign.test(compact.slice(0, compact.length - padding))
}

/** A Buffer over the same memory, for its methods. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
