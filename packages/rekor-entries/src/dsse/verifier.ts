/** Keys that verify DSSE envelopes, in the kinds dsse and intoto alike. */
import { EntryError } from '../errors.ts'
import { parseBase64At, required } from '../json.ts'
import {
  type CanonicalKey,
  keyContentLimit,
  parseCanonicalKey,
  storedVerifier,
} from '../keys/canonical-key.ts'
import type { Verifier } from '../verifier.ts'

export const thresholdNotMet = 'accepted signatures do not match threshold, Found: 0, Expected 1'

/** `content` is base64 of PEM. */
export function parseVerifier(content: unknown, path: string): CanonicalKey {
  const pem = pemOf(content, path)
  try {
    return parseCanonicalKey(pem)
  } catch (cause) {
    if (!(cause instanceof EntryError) || cause.code !== 'bad_public_key') throw cause
    throw new EntryError('bad_public_key', `could not parse public key as x509: ${cause.message}`, { cause })
  }
}

/** One in a stored body. */
export function parseStoredVerifier(content: unknown, path: string): Verifier {
  return storedVerifier(pemOf(content, path))
}

function pemOf(content: unknown, path: string): Uint8Array {
  if (typeof content !== 'string' || content === '') throw required(path)
  return parseBase64At(content, path, keyContentLimit)
}

/**
 * Beside the bare hash of the key: Rekor indexes `sha256:<hex>` for these kinds while its search by key asks for the bare hex, so
 * there an entry of these kinds is not found by its key.
 */
export function keyDigests(verifiers: readonly Verifier[]): readonly string[] {
  return verifiers.map(({ keyHash }) => `sha256:${keyHash}`)
}
