/** A signature over a digest, as every entry of Rekor v2 holds it: the checks of rekor-v2.md section 3, in its order. */
import {
  CryptoError,
  digestLengthBytes,
  fitsKey,
  type HashAlgorithm,
  isDerEcdsaSignature,
  type PublicKey,
  type SignatureAlgorithm,
  toBase64,
} from '@sigstack/crypto'
import { X509Error } from '@sigstack/x509'
import { EntryError } from '../errors.ts'
import { type CanonicalKey, certificateKey, plainKey } from '../keys/canonical-key.ts'
import { verifyDigest } from '../keys/checks.ts'
import { digestAlgorithmOf } from './key-details.ts'
import type { VerifierMessage } from './request.ts'

/** The key of a request: read, of an algorithm that is allowed and that it fits. */
export type KnownKey = {
  readonly message: VerifierMessage
  readonly key: CanonicalKey
  readonly hash: HashAlgorithm
}

/** Throws EntryError. */
export function readKey(
  message: VerifierMessage | undefined,
  allowed: readonly SignatureAlgorithm[],
): KnownKey {
  if (message === undefined) throw new EntryError('bad_field', 'missing verifier')
  const key = readVerifierKey(message)
  const known = digestAlgorithmOf(message.keyDetails)
  if (known === undefined || !allowed.includes(known.algorithm))
    throw new EntryError('algorithm_not_allowed', `this log takes no signatures of ${message.keyDetails}`)
  // The name itself, and not its hash alone: else a signature could be logged under the name of another algorithm.
  if (!fitsKey(known.algorithm, key.publicKey))
    throw new EntryError('algorithm_not_allowed', `the key is none of ${message.keyDetails}`)
  return { message, key, hash: known.hash }
}

/** DER only: what a body holds is what was sent. */
export function readVerifierKey({ key }: VerifierMessage): CanonicalKey {
  if (key === undefined || key.rawBytes.length === 0)
    throw new EntryError('bad_field', 'missing verifier: neither a public key nor a certificate')
  try {
    return key.form === 'publicKey' ? plainKey(key.rawBytes) : certificateKey(key.rawBytes)
  } catch (cause) {
    if (!(cause instanceof CryptoError || cause instanceof X509Error)) throw cause
    throw new EntryError('bad_public_key', `invalid verifier: ${cause.message}`, { cause })
  }
}

export async function assertSigned(
  { key, hash }: KnownKey,
  digest: Uint8Array,
  signature: Uint8Array,
): Promise<void> {
  if (digest.length !== digestLengthBytes[hash])
    throw new EntryError('bad_hash', `a digest of ${hash} has ${digestLengthBytes[hash]} bytes`)
  if (!(await isSigned(key.publicKey, hash, digest, signature)))
    throw new EntryError('bad_signature', 'verifying signature: it does not hold')
}

/** ECDSA signatures in DER only, with any s: bodies hold the bytes, and other readers know no other form. */
export async function isSigned(
  publicKey: PublicKey,
  hash: HashAlgorithm,
  digest: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  if (publicKey.type === 'ecdsa' && !isDerEcdsaSignature(signature)) return false
  return verifyDigest(publicKey, hash, digest, signature)
}

/** In canonical JSON; base64 and names need no escaping. */
export function encodeVerifier({ key, keyDetails }: VerifierMessage): string {
  if (key === undefined) throw new Error('a verifier that was read has a key')
  const rawBytes = `{"rawBytes":"${toBase64(key.rawBytes)}"}`
  return key.form === 'publicKey'
    ? `{"keyDetails":"${keyDetails}","publicKey":${rawBytes}}`
    : `{"keyDetails":"${keyDetails}","x509Certificate":${rawBytes}}`
}
