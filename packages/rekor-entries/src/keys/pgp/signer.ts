/** The very key of a ring that made a signature. */
import {
  CryptoError,
  concatBytes,
  der,
  derOid,
  derTag,
  derUnsignedInteger,
  type PublicKey,
  parsePublicKey,
} from '@sigstack/crypto'
import type { PublicKey as PgpKey, Subkey } from 'openpgp'
import { EntryError } from '../../errors.ts'

export type PgpSigner = {
  /** Of the key, and of the subkey where that signed; lower-case hex. */
  readonly fingerprints: readonly string[]
  /** For keys that are of use outside OpenPGP too: RSA, NIST curves, Ed25519. */
  readonly spki?: Uint8Array
}

const curveOids: Readonly<Record<string, string>> = {
  nistP256: '1.2.840.10045.3.1.7',
  nistP384: '1.3.132.0.34',
  nistP521: '1.3.132.0.35',
}

/** Refuses numbers that are no key with `bad_signature`. */
export function pgpSignerOf(key: PgpKey, signer: PgpKey | Subkey): PgpSigner {
  const spki = publicKeyOf(signer)?.spki
  return {
    fingerprints: [...new Set([key.getFingerprint(), signer.getFingerprint()])],
    ...(spki !== undefined && { spki }),
  }
}

/** `undefined` for a kind of key that is not known outside OpenPGP. */
export function publicKeyOf(signer: PgpKey | Subkey): PublicKey | undefined {
  const spki = spkiOf(signer)
  try {
    return spki === undefined ? undefined : parsePublicKey(spki)
  } catch (cause) {
    if (!(cause instanceof CryptoError)) throw cause
    throw new EntryError('bad_signature', `openpgp: ${cause.message}`, { cause })
  }
}

function spkiOf(signer: PgpKey | Subkey): Uint8Array | undefined {
  // The library types them as of any algorithm.
  const { n, e, Q, A } = signer.keyPacket.publicParams as Readonly<Record<string, unknown>>
  const { algorithm, curve = '' } = signer.getAlgorithmInfo()
  if (n instanceof Uint8Array && e instanceof Uint8Array) {
    const key = der(derTag.sequence, derUnsignedInteger(n), derUnsignedInteger(e))
    return spki([derOid('1.2.840.113549.1.1.1'), der(derTag.null)], key)
  }
  const curveOid = curveOids[curve]
  if (Q instanceof Uint8Array && algorithm === 'ecdsa' && curveOid !== undefined)
    return spki([derOid('1.2.840.10045.2.1'), derOid(curveOid)], Q)
  // RFC 9580 section 11.2.1: the older form has 0x40 before the point.
  if (Q instanceof Uint8Array && algorithm === 'eddsaLegacy') return ed25519(Q.subarray(1))
  return A instanceof Uint8Array && algorithm === 'ed25519' ? ed25519(A) : undefined
}

function ed25519(raw: Uint8Array): Uint8Array {
  return spki([derOid('1.3.101.112')], raw)
}

function spki(algorithm: readonly Uint8Array[], key: Uint8Array): Uint8Array {
  const bits = der(derTag.bitString, concatBytes(Uint8Array.of(0), key))
  return der(derTag.sequence, der(derTag.sequence, ...algorithm), bits)
}
