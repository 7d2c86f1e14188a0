/** Keys that verify DSSE envelopes, in the kinds dsse and intoto alike. */
import { verifySignature } from '@sigstack/crypto'
import { EntryError } from '../errors.ts'
import { parseBase64At, required } from '../json.ts'
import { type CanonicalKey, keyContentLimit, parseCanonicalKey } from '../keys/canonical-key.ts'

export const thresholdNotMet = 'accepted signatures do not match threshold, Found: 0, Expected 1'

/** `content` is base64 of PEM. */
export function parseVerifier(content: unknown, path: string): CanonicalKey {
  if (typeof content !== 'string' || content === '') throw required(path)
  try {
    return parseCanonicalKey(parseBase64At(content, path, keyContentLimit))
  } catch (cause) {
    if (!(cause instanceof EntryError) || cause.code !== 'bad_public_key') throw cause
    throw new EntryError('bad_public_key', `could not parse public key as x509: ${cause.message}`, { cause })
  }
}

/** SHA-256 for every curve and for RSA; Ed25519 is pure. */
export function isSignedBy(key: CanonicalKey, message: Uint8Array, signature: Uint8Array): Promise<boolean> {
  return verifySignature(key.publicKey, 'sha256', message, signature)
}

/**
 * Both forms of the key hash: Rekor indexes `sha256:<hex>` for these kinds while its search by key asks for the bare hex, so
 * there an entry of these kinds is not found by its key.
 */
export function keySearchKeys({ hash, subjects }: CanonicalKey): readonly string[] {
  return [`sha256:${hash}`, hash, ...subjects]
}
