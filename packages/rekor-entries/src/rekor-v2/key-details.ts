/**
 * What a request says of its key: names of `dev.sigstore.common.v1.PublicKeyDetails` (sigstore_common.proto of
 * sigstore/protobuf-specs), and the algorithms among them that a log of digests can check (rekor-v2.md section 3).
 */
import type { HashAlgorithm, SignatureAlgorithm } from '@sigstack/crypto'

/** Every name that a decoder of the message knows, by its number. */
export const keyDetailsNumbers: Readonly<Record<string, number>> = {
  PUBLIC_KEY_DETAILS_UNSPECIFIED: 0,
  PKCS1_RSA_PKCS1V5: 1,
  PKCS1_RSA_PSS: 2,
  PKIX_RSA_PKCS1V5: 3,
  PKIX_RSA_PSS: 4,
  PKIX_ECDSA_P256_SHA_256: 5,
  PKIX_ECDSA_P256_HMAC_SHA_256: 6,
  PKIX_ED25519: 7,
  PKIX_ED25519_PH: 8,
  PKIX_RSA_PKCS1V15_2048_SHA256: 9,
  PKIX_RSA_PKCS1V15_3072_SHA256: 10,
  PKIX_RSA_PKCS1V15_4096_SHA256: 11,
  PKIX_ECDSA_P384_SHA_384: 12,
  PKIX_ECDSA_P521_SHA_512: 13,
  LMS_SHA256: 14,
  LMOTS_SHA256: 15,
  PKIX_RSA_PSS_2048_SHA256: 16,
  PKIX_RSA_PSS_3072_SHA256: 17,
  PKIX_RSA_PSS_4096_SHA256: 18,
  PKIX_ECDSA_P384_SHA_256: 19,
  PKIX_ECDSA_P521_SHA_256: 20,
  ML_DSA_65: 21,
  ML_DSA_87: 22,
  ML_DSA_44: 23,
}

type Known = { readonly algorithm: SignatureAlgorithm; readonly hash: HashAlgorithm }

const known: Readonly<Record<string, Known | undefined>> = {
  PKIX_RSA_PKCS1V15_2048_SHA256: { algorithm: 'rsa-sign-pkcs1-2048-sha256', hash: 'sha256' },
  PKIX_RSA_PKCS1V15_3072_SHA256: { algorithm: 'rsa-sign-pkcs1-3072-sha256', hash: 'sha256' },
  PKIX_RSA_PKCS1V15_4096_SHA256: { algorithm: 'rsa-sign-pkcs1-4096-sha256', hash: 'sha256' },
  PKIX_ECDSA_P256_SHA_256: { algorithm: 'ecdsa-sha2-256-nistp256', hash: 'sha256' },
  PKIX_ECDSA_P384_SHA_384: { algorithm: 'ecdsa-sha2-384-nistp384', hash: 'sha384' },
  PKIX_ECDSA_P521_SHA_512: { algorithm: 'ecdsa-sha2-512-nistp521', hash: 'sha512' },
  PKIX_ED25519_PH: { algorithm: 'ed25519-ph', hash: 'sha512' },
}

/** `undefined` for a name that no entry of a log of digests can have. */
export function digestAlgorithmOf(keyDetails: string): Known | undefined {
  return Object.hasOwn(known, keyDetails) ? known[keyDetails] : undefined
}

/** As bodies name them. */
export const hashNames = {
  sha256: 'SHA2_256',
  sha384: 'SHA2_384',
  sha512: 'SHA2_512',
} as const satisfies Record<HashAlgorithm, string>
