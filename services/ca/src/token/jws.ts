/** Signatures of JWS in the compact form (RFC 7515), by the algorithms of RFC 7518 section 3 and RFC 8037. */
import { constants, type KeyObject, type VerifyKeyObjectInput, verify } from 'node:crypto'
import { hasSpareCores } from '@sigstack/crypto'

type Scheme = Omit<VerifyKeyObjectInput, 'key'> & { readonly hash: 'sha256' | 'sha384' | 'sha512' | null }

const pkcs1 = { padding: constants.RSA_PKCS1_PADDING }
const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
/** r‖s; JWS knows no DER. */
const ecdsa = { dsaEncoding: 'ieee-p1363' } as const

const schemes: Readonly<Record<string, Scheme>> = {
  RS256: { hash: 'sha256', ...pkcs1 },
  RS384: { hash: 'sha384', ...pkcs1 },
  RS512: { hash: 'sha512', ...pkcs1 },
  PS256: { hash: 'sha256', ...pss },
  PS384: { hash: 'sha384', ...pss },
  PS512: { hash: 'sha512', ...pss },
  ES256: { hash: 'sha256', ...ecdsa },
  ES384: { hash: 'sha384', ...ecdsa },
  ES512: { hash: 'sha512', ...ecdsa },
  EdDSA: { hash: null },
}

/** What takes longer than 0.1 ms here goes to the thread pool, and all of it where there are cores to spare. */
const slowAlgorithms: ReadonlySet<string> = new Set(['ES384', 'ES512'])
const longestQuickModulusBits = 4096

/**
 * Whether the last part of `token` is a signature by `key` over the two before it. That `key` is one for `algorithm`, and `token` of three
 * parts in base64url, is the caller's to see to. Throws what OpenSSL says of a key that cannot be used.
 */
export async function isSignedBy(token: string, algorithm: string, key: KeyObject): Promise<boolean> {
  const scheme = Object.hasOwn(schemes, algorithm) ? schemes[algorithm] : undefined
  if (scheme === undefined) throw new Error(`${algorithm} is no algorithm of signatures here`)
  const { hash, ...options } = scheme
  const end = token.lastIndexOf('.')
  const signed = Buffer.from(token.slice(0, end), 'latin1')
  const signature = Buffer.from(token.slice(end + 1), 'base64url')
  const input = { key, ...options }
  const modulusBits = key.asymmetricKeyDetails?.modulusLength ?? 0
  if (!hasSpareCores && !slowAlgorithms.has(algorithm) && modulusBits <= longestQuickModulusBits)
    return verify(hash, signed, input, signature)
  return new Promise((resolve, reject) => {
    verify(hash, signed, input, signature, (error, valid) =>
      error === null ? resolve(valid) : reject(error),
    )
  })
}
