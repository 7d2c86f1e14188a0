/** AlgorithmIdentifiers of signatures on certificates and requests (RFC 5758, RFC 4055, RFC 8410). */
import {
  der,
  derOid,
  derTag,
  type HashAlgorithm,
  type PublicKeyKind,
  type SignatureAlgorithm,
  signatureAlgorithms,
} from '@sigstack/crypto'
import { X509Error } from './errors.ts'

type Scheme = {
  readonly key: PublicKeyKind['type']
  /** `undefined`: pure Ed25519. */
  readonly hash: HashAlgorithm | undefined
  /** As Go's crypto/x509 prints it. */
  readonly name: string
}

const schemes: Readonly<Record<string, Scheme>> = {
  '1.2.840.10045.4.3.2': { key: 'ecdsa', hash: 'sha256', name: 'ECDSA-SHA256' },
  '1.2.840.10045.4.3.3': { key: 'ecdsa', hash: 'sha384', name: 'ECDSA-SHA384' },
  '1.2.840.10045.4.3.4': { key: 'ecdsa', hash: 'sha512', name: 'ECDSA-SHA512' },
  '1.2.840.113549.1.1.11': { key: 'rsa', hash: 'sha256', name: 'SHA256-RSA' },
  '1.2.840.113549.1.1.12': { key: 'rsa', hash: 'sha384', name: 'SHA384-RSA' },
  '1.2.840.113549.1.1.13': { key: 'rsa', hash: 'sha512', name: 'SHA512-RSA' },
  '1.3.101.112': { key: 'ed25519', hash: undefined, name: 'Ed25519' },
}

/** The scheme of a signature algorithm that is supported here; `undefined` for all others. */
export function schemeOf(signatureAlgorithmOid: string): Scheme | undefined {
  return Object.hasOwn(schemes, signatureAlgorithmOid) ? schemes[signatureAlgorithmOid] : undefined
}

/** DER AlgorithmIdentifier. RSA carries a NULL parameter, the others none. */
export function encodeSignatureAlgorithm(algorithm: SignatureAlgorithm): Uint8Array {
  const known = encoded.get(algorithm)
  if (known === undefined)
    throw new X509Error('unsupported_algorithm', `certificates are not signed with ${algorithm}`)
  return known
}

/** How certificates are signed with a key of this kind. */
export function certificateSignatureAlgorithm(key: PublicKeyKind): SignatureAlgorithm {
  if (key.type === 'ed25519') return 'ed25519'
  if (key.type === 'ecdsa') {
    if (key.curve === 'P-256') return 'ecdsa-sha2-256-nistp256'
    return key.curve === 'P-384' ? 'ecdsa-sha2-384-nistp384' : 'ecdsa-sha2-512-nistp521'
  }
  const algorithm = `rsa-sign-pkcs1-${key.modulusBits}-sha256`
  if (algorithm in signatureAlgorithms) return algorithm as SignatureAlgorithm
  throw new X509Error('unsupported_algorithm', `RSA keys of ${key.modulusBits} bits sign no certificates`)
}

const encoded: ReadonlyMap<SignatureAlgorithm, Uint8Array> = new Map(
  (Object.keys(signatureAlgorithms) as SignatureAlgorithm[]).flatMap((algorithm) => {
    const { key, hash } = signatureAlgorithms[algorithm]
    if (algorithm === 'ed25519-ph' || algorithm.startsWith('rsa-sign-pss')) return []
    const found = Object.entries(schemes).find(
      ([, scheme]) => scheme.key === key.type && scheme.hash === hash,
    )
    if (found === undefined) return []
    const parameters = key.type === 'rsa' ? Uint8Array.of(derTag.null, 0) : new Uint8Array()
    return [[algorithm, der(derTag.sequence, derOid(found[0]), parameters)] as const]
  }),
)
