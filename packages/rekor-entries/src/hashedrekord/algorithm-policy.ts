/** Which pairs of key and hash a hashedrekord may use. */
import {
  fitsKey,
  type HashAlgorithm,
  type PublicKeyKind,
  type SignatureAlgorithm,
  signatureAlgorithms,
} from '@sigstack/crypto'

/** Of both names for Ed25519 the digest here is SHA-512: that of Ed25519ph, and what pure Ed25519 hashes with. */
export function isPairAllowed(
  allowed: readonly SignatureAlgorithm[],
  key: PublicKeyKind,
  hash: HashAlgorithm,
): boolean {
  return allowed.some(
    (algorithm) => fitsKey(algorithm, key) && (signatureAlgorithms[algorithm].hash ?? 'sha512') === hash,
  )
}
