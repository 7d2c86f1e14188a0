/** Public keys as TUF roots hold them. */
import {
  der,
  derOid,
  derTag,
  isObject,
  memberAt,
  type PublicKey,
  parseHex,
  parsePublicKey,
  parsePublicKeyPem,
  sha256Hex,
} from '@sigstack/crypto'
import { EntryError } from '../errors.ts'
import { verifySignature } from '../keys/checks.ts'
import { pssOptions, verifyNowWith, verifyWith } from '../keys/verify-with.ts'

export type TufKey = {
  readonly publicKey: PublicKey
  /** Equal for equal keys, whatever they are called. */
  readonly fingerprint: string
  readonly verify: (message: Uint8Array, signature: Uint8Array) => Promise<boolean>
  /** The same at once, on the thread that asks. */
  readonly verifyNow: (message: Uint8Array, signature: Uint8Array) => boolean
}

/** The encodings in use: PEM; and hex, of 32 bytes for Ed25519 and of an uncompressed point in roots of before 2022. */
export function parseTufKey(value: unknown): TufKey {
  if (!isObject(value)) throw invalid('tuf root contains nil key')
  const type = memberAt(value, 'keytype')
  const keyval = memberAt(value, 'keyval')
  const encoded = memberAt(keyval, 'public')
  if (typeof encoded !== 'string') throw invalid('tuf: invalid key')
  switch (type) {
    case 'ed25519':
      return keyOf(parsePublicKey(spkiOfEd25519(parseHex(encoded))), 'ed25519')
    case 'ecdsa':
    case 'ecdsa-sha2-nistp256':
      return keyOf(
        encoded.startsWith('04')
          ? parsePublicKey(spkiOfPoint(parseHex(encoded)))
          : parsePublicKeyPem(encoded),
        'ecdsa',
      )
    case 'rsa':
      return keyOf(parsePublicKeyPem(encoded), 'rsa')
    default:
      throw invalid('tuf: invalid key')
  }
}

function keyOf(key: PublicKey, type: PublicKey['type']): TufKey {
  if (key.type !== type) throw invalid('tuf: invalid key')
  // rsassa-pss-sha256, where the key is of RSA.
  const options = key.type === 'rsa' ? pssOptions(key, 'any') : { key }
  return {
    publicKey: key,
    fingerprint: sha256Hex(key.spki),
    verify: (message, signature) =>
      key.type === 'rsa'
        ? verifyWith('sha256', message, options, signature)
        : verifySignature(key, 'sha256', message, signature),
    verifyNow: (message, signature) =>
      verifyNowWith(key.type === 'ed25519' ? undefined : 'sha256', message, options, signature),
  }
}

function spkiOfEd25519(raw: Uint8Array): Uint8Array {
  return der(derTag.sequence, der(derTag.sequence, derOid('1.3.101.112')), bitString(raw))
}

function spkiOfPoint(point: Uint8Array): Uint8Array {
  const algorithm = der(derTag.sequence, derOid('1.2.840.10045.2.1'), derOid('1.2.840.10045.3.1.7'))
  return der(derTag.sequence, algorithm, bitString(point))
}

function bitString(bytes: Uint8Array): Uint8Array {
  return der(derTag.bitString, Uint8Array.of(0), bytes)
}

function invalid(message: string): EntryError {
  return new EntryError('bad_public_key', message)
}
