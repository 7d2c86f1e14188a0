/** Names of key kinds in trust files (protobuf `PublicKeyDetails`, sigstore_common.proto). */

const rsaSizes = [2048, 3072, 4096]

/** Kind of the SubjectPublicKeyInfo by name; `undefined` where it is no SubjectPublicKeyInfo we parse. */
const kinds: Readonly<Record<string, 'P-256' | 'P-384' | 'P-521' | 'rsa' | 'ed25519' | undefined>> = {
  PKCS1_RSA_PKCS1V5: undefined,
  PKCS1_RSA_PSS: undefined,
  PKIX_RSA_PKCS1V5: 'rsa',
  PKIX_RSA_PSS: 'rsa',
  ...Object.fromEntries(rsaSizes.map((bits) => [`PKIX_RSA_PKCS1V15_${bits}_SHA256`, 'rsa' as const])),
  ...Object.fromEntries(rsaSizes.map((bits) => [`PKIX_RSA_PSS_${bits}_SHA256`, 'rsa' as const])),
  PKIX_ECDSA_P256_HMAC_SHA_256: 'P-256',
  PKIX_ECDSA_P256_SHA_256: 'P-256',
  PKIX_ECDSA_P384_SHA_384: 'P-384',
  PKIX_ECDSA_P384_SHA_256: 'P-384',
  PKIX_ECDSA_P521_SHA_512: 'P-521',
  PKIX_ECDSA_P521_SHA_256: 'P-521',
  PKIX_ED25519: 'ed25519',
  PKIX_ED25519_PH: 'ed25519',
  LMS_SHA256: undefined,
  LMOTS_SHA256: undefined,
  ML_DSA_44: undefined,
  ML_DSA_65: undefined,
  ML_DSA_87: undefined,
}

export const keyDetailsNames: readonly string[] = Object.keys(kinds)

export function publicKeyKindOf(
  keyDetails: string,
): 'P-256' | 'P-384' | 'P-521' | 'rsa' | 'ed25519' | undefined {
  return kinds[keyDetails]
}
