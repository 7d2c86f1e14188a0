/** The hashes that stand for a key in a signature line; the hint is the first 4 bytes. */
import type { PublicKey } from '@sigstack/crypto'
import { concatBytes, keyFingerprint, sha256, utf8 } from '@sigstack/crypto'
import { keyHintBytes } from './signed-note.ts'

const signatureType = { ed25519: 0x01, rsa: 0xff } as const

/** Rekor v1: SHA-256 of the SubjectPublicKeyInfo whatever the kind of key, so the start of the log ID. */
export function rekorV1KeyHint(key: Pick<PublicKey, 'spki'>): Uint8Array {
  return keyFingerprint(key).subarray(0, keyHintBytes)
}

/**
 * C2SP's key ID, all 32 bytes, as Rekor v2 publishes it as log ID. ECDSA leaves the name out; RSA is Rekor's own
 * addition.
 */
export function noteKeyId(name: string, key: PublicKey): Uint8Array {
  if (key.type === 'ecdsa') return keyFingerprint(key)
  if (key.type === 'ed25519') return keyId(name, signatureType.ed25519, key.raw)
  return keyId(name, signatureType.rsa, concatBytes(utf8('PKIX-RSA-PKCS#1v1.5'), key.spki))
}

export function noteKeyHint(name: string, key: PublicKey): Uint8Array {
  return noteKeyId(name, key).subarray(0, keyHintBytes)
}

function keyId(name: string, type: number, key: Uint8Array): Uint8Array {
  return sha256(concatBytes(utf8(`${name}\n`), Uint8Array.of(type), key))
}
