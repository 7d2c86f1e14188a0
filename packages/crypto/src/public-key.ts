/** Public keys as SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7), of the kinds that Sigstore signs with. */

import { createPublicKey, type KeyObject } from 'node:crypto'
import { asBuffer } from './bytes.ts'
import { type DerElement, derTag, oidOf, readOnlyDer, unsignedIntegerOf } from './der.ts'
import { sha256 } from './digest.ts'
import { curveOfOid, type EcCurve, isOnCurve, pointLengthBytes } from './ec-curve.ts'
import { assertOwnable } from './ed25519-point.ts'
import { CryptoError } from './errors.ts'
import { encodePem, parsePemBlock } from './pem.ts'
import { escaped } from './text.ts'

export type { EcCurve } from './ec-curve.ts'

export type PublicKeyKind =
  | {
      readonly type: 'ecdsa'
      readonly curve: EcCurve /** Uncompressed point, 0x04 first. */
      readonly point: Uint8Array
    }
  | { readonly type: 'rsa'; readonly modulusBits: number; readonly exponent: bigint }
  | { readonly type: 'ed25519' /** 32 bytes. */; readonly raw: Uint8Array }

export type PublicKey = PublicKeyKind & {
  /** DER SubjectPublicKeyInfo. */
  readonly spki: Uint8Array
  /**
   * For Node's crypto. Made at the first use, since it costs more than everything else here; an RSA key that only OpenSSL
   * finds fault with throws `bad_public_key` then.
   */
  readonly keyObject: KeyObject
}

const oid = { ec: '1.2.840.10045.2.1', rsa: '1.2.840.113549.1.1.1', ed25519: '1.3.101.112' }

/**
 * Parses DER SubjectPublicKeyInfo, strictly: the bytes are the only encoding of their key. Refuses other algorithms (also
 * RSASSA-PSS keys), compressed points, points off the curve and Ed25519 points that nobody can own with `unsupported_key` or
 * `bad_public_key`. Strength is the caller's to judge.
 */
export function parsePublicKey(spki: Uint8Array): PublicKey {
  let keyObject: KeyObject | undefined
  return {
    ...parseKind(spki),
    spki,
    get keyObject() {
      keyObject ??= createKeyObject(spki)
      return keyObject
    },
  }
}

/** A PEM block `PUBLIC KEY`, and nothing else in it counts. */
export function parsePublicKeyPem(text: string): PublicKey {
  const { block } = parsePemBlock(text)
  if (block.type !== 'PUBLIC KEY')
    throw new CryptoError('bad_public_key', `cannot handle type ${escaped(block.type)}`)
  return parsePublicKey(block.der)
}

export function encodePublicKeyPem(key: Pick<PublicKey, 'spki'>): string {
  return encodePem('PUBLIC KEY', key.spki)
}

/** SHA-256 of the SubjectPublicKeyInfo: the log ID of RFC 6962 and of Rekor v1. */
export function keyFingerprint(key: Pick<PublicKey, 'spki'>): Uint8Array {
  return sha256(key.spki)
}

function createKeyObject(spki: Uint8Array): KeyObject {
  try {
    return createPublicKey({ key: asBuffer(spki), format: 'der', type: 'spki' })
  } catch (cause) {
    throw new CryptoError('bad_public_key', 'the public key does not parse', { cause })
  }
}

function parseKind(spki: Uint8Array): PublicKeyKind {
  const [algorithm, subjectPublicKey, surplus] = readOnlyDer(spki, derTag.sequence).children()
  if (
    algorithm?.tag !== derTag.sequence ||
    subjectPublicKey?.tag !== derTag.bitString ||
    surplus !== undefined
  ) {
    throw new CryptoError('bad_public_key', 'not a SubjectPublicKeyInfo')
  }
  const [identifier, parameters, more] = algorithm.children()
  if (identifier?.tag !== derTag.oid) throw new CryptoError('bad_public_key', 'the key algorithm is missing')
  if (subjectPublicKey.content[0] !== 0) throw new CryptoError('bad_public_key', 'the key has unused bits')
  if (more !== undefined) throw new CryptoError('bad_public_key', 'the key algorithm has surplus parameters')
  const key = subjectPublicKey.content.subarray(1)
  const algorithmOid = oidOf(identifier.content)
  switch (algorithmOid) {
    case oid.ec:
      return parseEc(parameters, key)
    case oid.rsa:
      // RFC 3279 section 2.3.1: the parameters are NULL.
      if (parameters?.tag !== derTag.null || parameters.content.length !== 0)
        throw new CryptoError('bad_public_key', 'the parameters of an RSA key are not NULL')
      return parseRsa(key)
    case oid.ed25519:
      if (parameters !== undefined)
        throw new CryptoError('bad_public_key', 'an Ed25519 key has no parameters')
      if (key.length !== 32) throw new CryptoError('bad_public_key', 'an Ed25519 key has 32 bytes')
      assertOwnable(key)
      return { type: 'ed25519', raw: key }
    default:
      throw new CryptoError('unsupported_key', `public keys of algorithm ${algorithmOid} are not supported`)
  }
}

function parseEc(parameters: DerElement | undefined, point: Uint8Array): PublicKeyKind {
  const curveOid = parameters?.tag === derTag.oid ? oidOf(parameters.content) : 'of explicit parameters'
  const curve = curveOfOid(curveOid)
  if (curve === undefined)
    throw new CryptoError('unsupported_key', `the elliptic curve ${curveOid} is not supported`)
  const pointBytes = pointLengthBytes(curve)
  if (point[0] !== 4 || point.length !== pointBytes)
    throw new CryptoError('bad_public_key', `a ${curve} key is an uncompressed point of ${pointBytes} bytes`)
  if (!isOnCurve(curve, point)) throw new CryptoError('bad_public_key', `the point is not on ${curve}`)
  return { type: 'ecdsa', curve, point }
}

function parseRsa(key: Uint8Array): PublicKeyKind {
  const [modulus, exponent, surplus] = readOnlyDer(key, derTag.sequence).children()
  if (modulus?.tag !== derTag.integer || exponent?.tag !== derTag.integer || surplus !== undefined)
    throw new CryptoError('bad_public_key', 'not an RSA public key')
  const n = unsignedIntegerOf(modulus.content)
  const e = unsignedIntegerOf(exponent.content)
  if (n.length > 2048) throw new CryptoError('unsupported_key', 'the RSA key is larger than 16384 bits')
  // A large exponent makes verification as slow as signing; real ones are 3 or 65537.
  if (e.length > 4) throw new CryptoError('unsupported_key', 'the RSA exponent is larger than 32 bits')
  const leading = n[0] ?? 0
  const exponentValue = BigInt(`0x${asBuffer(e).toString('hex')}`)
  if (leading === 0 || exponentValue === 0n)
    throw new CryptoError('bad_public_key', 'modulus and exponent of an RSA key are not 0')
  // It parses, but no generator makes such a key: a weakness, told as one.
  if (exponentValue < 3n || exponentValue % 2n === 0n || (n[n.length - 1] ?? 0) % 2 === 0)
    throw new CryptoError('unsupported_key', 'modulus and exponent of this RSA key cannot be')
  return { type: 'rsa', modulusBits: n.length * 8 - Math.clz32(leading) + 24, exponent: exponentValue }
}
