/** Keys and signatures of minisign and signify: Ed25519 with an algorithm and a key ID before it. */
import { createHash } from 'node:crypto'
import {
  asBuffer,
  CryptoError,
  concatBytes,
  der,
  derOid,
  derTag,
  type PublicKey,
  parseBase64,
  parsePublicKey,
  sha256Hex,
  toBase64,
  utf8,
  withoutEnd,
} from '@sigstack/crypto'
import { EntryError } from '../errors.ts'
import { verifySignature } from './checks.ts'

export type MinisignKey = {
  /** base64 of algorithm, key ID and key, without line feed: the form in which the log holds it. */
  readonly text: string
  /** Hex SHA-256 of `text`. */
  readonly hash: string
  readonly publicKey: PublicKey
}

export type MinisignSignature = {
  /** Without trusted comment and final LF: the form in which the log holds it. */
  readonly text: string
  readonly isPrehashed: boolean
  readonly bytes: Uint8Array
}

/** base64 of some 8 KiB, of which almost all may be comments. */
export const minisignContentLimit = 12_000
const idBytes = 2 + 8

/**
 * A key file of two lines, its second line alone, or 32 raw bytes as very old entries hold them. Refuses with `bad_public_key`.
 */
export function parseMinisignKey(content: Uint8Array): MinisignKey {
  const file = asBuffer(content).toString('latin1')
  const secondLine = file.slice(file.indexOf('\n') + 1)
  const whole = [secondLine, file].map(bytesOf).find((bytes) => bytes?.length === idBytes + 32)
  const legacy = content.length === 32 ? concatBytes(utf8('Ed'), new Uint8Array(8), content) : undefined
  const key = whole ?? legacy
  if (key === undefined)
    throw new EntryError('bad_public_key', 'unable to read minisign public key: Invalid encoded public key')
  const text = toBase64(key)
  return { text, hash: sha256Hex(text), publicKey: ed25519(key.subarray(idBytes)) }
}

/** A signature file of minisign (four lines) or of signify (two). Refuses with `bad_signature`. */
export function parseMinisignSignature(content: Uint8Array): MinisignSignature {
  const file = asBuffer(content).toString('latin1')
  const lines = withoutEnd(file, '\n').split('\n')
  if (lines.length !== 4 && lines.length !== 2) throw refused(`${lines.length} lines detected`)
  const signature = bytesOf(lines[1] ?? '')
  if (signature === undefined) throw refused('base64 decoding failed')
  if (signature.length !== idBytes + 64) throw refused(`incorrect size ${signature.length} detected`)
  if (lines.length === 4 && bytesOf(lines[3] ?? '')?.length !== 64) throw refused('4 lines detected')
  const algorithm = asBuffer(signature).subarray(0, 2).toString('latin1')
  if (algorithm !== 'Ed' && algorithm !== 'ED') throw refused('unknown algorithm')
  return {
    text: `untrusted comment:\n${toBase64(signature)}`,
    isPrehashed: algorithm === 'ED',
    bytes: signature.subarray(idBytes),
  }
}

/** The trusted comment and the key ID are not looked at, as in Rekor. Throws `bad_signature`. */
export async function verifyMinisign(
  { publicKey }: MinisignKey,
  { isPrehashed, bytes }: MinisignSignature,
  message: Uint8Array,
): Promise<void> {
  const signed = isPrehashed ? createHash('blake2b512').update(message).digest() : message
  if (!(await verifySignature(publicKey, 'sha512', signed, bytes)))
    throw new EntryError('bad_signature', 'failed to verify signature')
}

function bytesOf(base64: string): Uint8Array | undefined {
  try {
    return parseBase64(base64)
  } catch (cause) {
    if (!(cause instanceof CryptoError)) throw cause
    return undefined
  }
}

function ed25519(raw: Uint8Array): PublicKey {
  const algorithm = der(derTag.sequence, derOid('1.3.101.112'))
  return parsePublicKey(
    der(derTag.sequence, algorithm, der(derTag.bitString, concatBytes(Uint8Array.of(0), raw))),
  )
}

function refused(reason: string): EntryError {
  return new EntryError('bad_signature', `invalid signature provided: ${reason}`)
}
