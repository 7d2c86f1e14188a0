/** The key that a certificate is asked for, and the proof that the requester holds its private half (fulcio.md 1.5, 3). */
import {
  CryptoError,
  defaultHash,
  der,
  derOid,
  derTag,
  escaped,
  fitsKey,
  type HashAlgorithm,
  type PublicKey,
  parsePemBlock,
  parsePublicKey,
  parseUtf8,
  quoted,
  type SignatureAlgorithm,
  signatureAlgorithms,
  utf8,
  verifySignature,
} from '@sigstack/crypto'
import { assertStrongKey, parseCertificateRequest, X509Error } from '@sigstack/x509'
import { IssuanceError } from '../refusals.ts'

export type KeyApplication =
  /** `content`: PEM text or DER SubjectPublicKeyInfo; `proof`: signature over the subject of the token. */
  | { readonly kind: 'public_key'; readonly content: Uint8Array; readonly proof: Uint8Array }
  /** PEM text of a PKCS#10 request, whose own signature is the proof. */
  | { readonly kind: 'certificate_request'; readonly pem: Uint8Array }
  | { readonly kind: 'nothing' }

export type RequestedKey = {
  readonly publicKey: PublicKey
  /** What the requester signs with; `undefined` for pure Ed25519. */
  readonly hash: HashAlgorithm | undefined
  /** Throws `proof_of_possession_failed`, or `request_algorithm_unrecognized`. */
  assertPossession(proofSubjects: readonly string[]): Promise<void>
}

/** Throws `public_key_unparsable`, `certificate_request_unparsable`, or `public_key_insecure` for kinds not supported. */
export function parseRequestedKey(application: KeyApplication): RequestedKey {
  switch (application.kind) {
    case 'nothing':
      throw new IssuanceError(
        'public_key_unparsable',
        'the request holds neither a key nor a certificate request',
      )
    case 'public_key':
      return publicKeyWithProof(application.content, application.proof)
    case 'certificate_request':
      return keyOfRequest(application.pem)
  }
}

export function assertKeyIsStrong({ publicKey }: RequestedKey): void {
  try {
    assertStrongKey(publicKey)
  } catch (cause) {
    if (!(cause instanceof X509Error)) throw cause
    throw new IssuanceError('public_key_insecure', cause.message, { cause })
  }
}

/** Kind, size or curve, and hash must be those of one allowed algorithm; padding is not compared. */
export function assertAlgorithmAllowed(
  { publicKey, hash }: RequestedKey,
  allowed: readonly SignatureAlgorithm[],
): void {
  const fits = allowed.some((name) => fitsKey(name, publicKey) && signatureAlgorithms[name].hash === hash)
  if (!fits)
    throw new IssuanceError(
      'algorithm_not_permitted',
      `signing algorithm not permitted: ${goTypes[publicKey.type]}, ${goHashes[hash ?? 'none']}`,
    )
}

/** As Go prints them, because Fulcio does. */
const goTypes = { ecdsa: '*ecdsa.PublicKey', rsa: '*rsa.PublicKey', ed25519: 'ed25519.PublicKey' }
const goHashes = { sha256: 'SHA-256', sha384: 'SHA-384', sha512: 'SHA-512', none: 'unknown hash value 0' }

function publicKeyWithProof(content: Uint8Array, proof: Uint8Array): RequestedKey {
  const publicKey = parsed('public_key_unparsable', () => parsePublicKeyContent(content))
  const hash = defaultHash(publicKey)
  return {
    publicKey,
    hash,
    async assertPossession(proofSubjects) {
      for (const subject of proofSubjects)
        if (await verifySignature(publicKey, hash, utf8(subject), proof)) return
      throw new IssuanceError(
        'proof_of_possession_failed',
        'the proof of possession is not a signature of the requested key over the subject of the token',
      )
    },
  }
}

function keyOfRequest(pem: Uint8Array): RequestedKey {
  const request = parsed('certificate_request_unparsable', () => {
    const text = parseUtf8(pem)
    if (text === undefined) throw new CryptoError('bad_pem', 'the certificate request is not text')
    return parseCertificateRequest(text)
  })
  return {
    publicKey: request.publicKey,
    hash: request.hash,
    async assertPossession() {
      if (!request.isSupported)
        throw new IssuanceError(
          'request_algorithm_unrecognized',
          `unrecognized signature algorithm: ${escaped(request.signatureAlgorithm)}`,
        )
      if (!(await request.verifySelfSignature()))
        throw new IssuanceError(
          'proof_of_possession_failed',
          'the certificate request is not signed with its own key',
        )
    },
  }
}

const rsaEncryption = der(derTag.sequence, derOid('1.2.840.113549.1.1.1'), der(derTag.null))

function parsePublicKeyContent(content: Uint8Array): PublicKey {
  const text = parseUtf8(content)
  if (text === undefined || !text.includes('-----BEGIN ')) return parsePublicKey(content)
  const { block } = parsePemBlock(text)
  if (block.type === 'PUBLIC KEY') return parsePublicKey(block.der)
  if (block.type !== 'RSA PUBLIC KEY')
    throw new CryptoError('bad_public_key', `a PEM block PUBLIC KEY is expected, not ${quoted(block.type)}`)
  // PKCS#1: wrap it, so that the certificate carries a SubjectPublicKeyInfo.
  const bits = der(derTag.bitString, Uint8Array.of(0), block.der)
  return parsePublicKey(der(derTag.sequence, rsaEncryption, bits))
}

function parsed<T>(code: 'public_key_unparsable' | 'certificate_request_unparsable', parse: () => T): T {
  try {
    return parse()
  } catch (cause) {
    if (!(cause instanceof CryptoError || cause instanceof X509Error)) throw cause
    const isKind = cause.code === 'unsupported_key'
    throw new IssuanceError(isKind ? 'public_key_insecure' : code, cause.message, { cause })
  }
}
