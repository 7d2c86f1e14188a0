/** The registry of signing algorithms, by the names of Sigstore's algorithm registry. */
import type { HashAlgorithm } from './digest.ts'
import type { EcCurve, PublicKey, PublicKeyKind } from './public-key.ts'

export type SignatureAlgorithm =
  | 'ecdsa-sha2-256-nistp256'
  | 'ecdsa-sha2-384-nistp384'
  | 'ecdsa-sha2-512-nistp521'
  | 'ecdsa-sha2-256-nistp384'
  | 'ecdsa-sha2-256-nistp521'
  | 'rsa-sign-pkcs1-2048-sha256'
  | 'rsa-sign-pkcs1-3072-sha256'
  | 'rsa-sign-pkcs1-4096-sha256'
  | 'rsa-sign-pss-2048-sha256'
  | 'rsa-sign-pss-3072-sha256'
  | 'rsa-sign-pss-4096-sha256'
  | 'ed25519'
  | 'ed25519-ph'

type Parameters = {
  readonly key: { type: 'ecdsa'; curve: EcCurve } | { type: 'rsa'; modulusBits: number } | { type: 'ed25519' }
  /** `undefined`: the algorithm hashes by itself (pure Ed25519). */
  readonly hash: HashAlgorithm | undefined
}

const ecdsa = (curve: EcCurve, hash: HashAlgorithm): Parameters => ({ key: { type: 'ecdsa', curve }, hash })
const rsa = (modulusBits: number): Parameters => ({ key: { type: 'rsa', modulusBits }, hash: 'sha256' })

export const signatureAlgorithms = {
  'ecdsa-sha2-256-nistp256': ecdsa('P-256', 'sha256'),
  'ecdsa-sha2-384-nistp384': ecdsa('P-384', 'sha384'),
  'ecdsa-sha2-512-nistp521': ecdsa('P-521', 'sha512'),
  'ecdsa-sha2-256-nistp384': ecdsa('P-384', 'sha256'),
  'ecdsa-sha2-256-nistp521': ecdsa('P-521', 'sha256'),
  'rsa-sign-pkcs1-2048-sha256': rsa(2048),
  'rsa-sign-pkcs1-3072-sha256': rsa(3072),
  'rsa-sign-pkcs1-4096-sha256': rsa(4096),
  'rsa-sign-pss-2048-sha256': rsa(2048),
  'rsa-sign-pss-3072-sha256': rsa(3072),
  'rsa-sign-pss-4096-sha256': rsa(4096),
  ed25519: { key: { type: 'ed25519' }, hash: undefined },
  'ed25519-ph': { key: { type: 'ed25519' }, hash: 'sha512' },
} as const satisfies Record<SignatureAlgorithm, Parameters>

/** What Fulcio and Rekor accept of clients when nothing is configured. */
export const defaultClientAlgorithms: readonly SignatureAlgorithm[] = [
  'ecdsa-sha2-256-nistp256',
  'ecdsa-sha2-384-nistp384',
  'ecdsa-sha2-512-nistp521',
  'rsa-sign-pkcs1-2048-sha256',
  'rsa-sign-pkcs1-3072-sha256',
  'rsa-sign-pkcs1-4096-sha256',
  'ed25519',
  'ed25519-ph',
]

export function isSignatureAlgorithm(name: string): name is SignatureAlgorithm {
  return Object.hasOwn(signatureAlgorithms, name)
}

/** Whether keys like `key` may be used with `algorithm`; the hash is the caller's to compare. */
export function fitsKey(algorithm: SignatureAlgorithm, key: PublicKeyKind): boolean {
  const wanted: Parameters['key'] = signatureAlgorithms[algorithm].key
  if (wanted.type === 'ecdsa') return key.type === 'ecdsa' && key.curve === wanted.curve
  if (wanted.type === 'rsa') return key.type === 'rsa' && key.modulusBits === wanted.modulusBits
  return key.type === 'ed25519'
}

/** The hash a key of this kind signs with when nobody says otherwise; `undefined` for pure Ed25519. */
export function defaultHash(key: PublicKeyKind): HashAlgorithm | undefined {
  if (key.type === 'ed25519') return undefined
  if (key.type === 'rsa' || key.curve === 'P-256') return 'sha256'
  return key.curve === 'P-384' ? 'sha384' : 'sha512'
}

/** Sigstore's name for a key in trust files (protobuf `PublicKeyDetails`). */
export function publicKeyDetails(key: PublicKey): string {
  if (key.type === 'ed25519') return 'PKIX_ED25519'
  if (key.type === 'rsa') return `PKIX_RSA_PKCS1V15_${key.modulusBits}_SHA256`
  const hash = key.curve === 'P-256' ? 256 : key.curve === 'P-384' ? 384 : 512
  return `PKIX_ECDSA_${key.curve.replace('-', '')}_SHA_${hash}`
}
