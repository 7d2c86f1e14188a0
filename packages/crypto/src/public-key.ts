/** Public keys as SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7), of the kinds that Sigstore signs with. */
import { createPublicKey, type KeyObject } from 'node:crypto'
import { asBuffer } from './bytes.ts'
import { derTag, oidOf, readDerChildren, readOnlyDer } from './der.ts'
import { sha256 } from './digest.ts'
import { CryptoError } from './errors.ts'
import { encodePem, parsePemBlock } from './pem.ts'

export type EcCurve = 'P-256' | 'P-384' | 'P-521'

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
  readonly keyObject: KeyObject
}

const oid = { ec: '1.2.840.10045.2.1', rsa: '1.2.840.113549.1.1.1', ed25519: '1.3.101.112' }

const curves: Readonly<Record<string, { curve: EcCurve; pointBytes: number }>> = {
  '1.2.840.10045.3.1.7': { curve: 'P-256', pointBytes: 65 },
  '1.3.132.0.34': { curve: 'P-384', pointBytes: 97 },
  '1.3.132.0.35': { curve: 'P-521', pointBytes: 133 },
}

/**
 * Parses DER SubjectPublicKeyInfo. Refuses other algorithms (also RSASSA-PSS keys), compressed points and points
 * off the curve with `unsupported_key` or `bad_public_key`. Strength is the caller's to judge.
 */
export function parsePublicKey(spki: Uint8Array): PublicKey {
  const kind = parseKind(spki)
  let keyObject: KeyObject
  try {
    keyObject = createPublicKey({ key: asBuffer(spki), format: 'der', type: 'spki' })
  } catch (cause) {
    throw new CryptoError('bad_public_key', 'the public key does not parse', { cause })
  }
  return { ...kind, spki, keyObject }
}

/** A PEM block `PUBLIC KEY`, and nothing else in it counts. */
export function parsePublicKeyPem(text: string): PublicKey {
  const { block } = parsePemBlock(text)
  if (block.type !== 'PUBLIC KEY') throw new CryptoError('bad_public_key', `cannot handle type ${block.type}`)
  return parsePublicKey(block.der)
}

export function encodePublicKeyPem(key: Pick<PublicKey, 'spki'>): string {
  return encodePem('PUBLIC KEY', key.spki)
}

/** SHA-256 of the SubjectPublicKeyInfo: the log ID of RFC 6962 and of Rekor v1. */
export function keyFingerprint(key: Pick<PublicKey, 'spki'>): Uint8Array {
  return sha256(key.spki)
}

function parseKind(spki: Uint8Array): PublicKeyKind {
  const [algorithm, subjectPublicKey, surplus] = readDerChildren(readOnlyDer(spki, derTag.sequence).content)
  if (
    algorithm?.tag !== derTag.sequence ||
    subjectPublicKey?.tag !== derTag.bitString ||
    surplus !== undefined
  ) {
    throw new CryptoError('bad_public_key', 'not a SubjectPublicKeyInfo')
  }
  const [identifier, parameters] = readDerChildren(algorithm.content)
  if (identifier?.tag !== derTag.oid) throw new CryptoError('bad_public_key', 'the key algorithm is missing')
  if (subjectPublicKey.content[0] !== 0) throw new CryptoError('bad_public_key', 'the key has unused bits')
  const key = subjectPublicKey.content.subarray(1)
  switch (oidOf(identifier.content)) {
    case oid.ec:
      return parseEc(
        parameters?.tag === derTag.oid ? oidOf(parameters.content) : 'of explicit parameters',
        key,
      )
    case oid.rsa:
      return parseRsa(key)
    case oid.ed25519:
      if (key.length !== 32) throw new CryptoError('bad_public_key', 'an Ed25519 key has 32 bytes')
      return { type: 'ed25519', raw: key }
    default:
      throw new CryptoError(
        'unsupported_key',
        `public keys of algorithm ${oidOf(identifier.content)} are not supported`,
      )
  }
}

function parseEc(curveOid: string, point: Uint8Array): PublicKeyKind {
  const known = curves[curveOid]
  if (known === undefined)
    throw new CryptoError('unsupported_key', `the elliptic curve ${curveOid} is not supported`)
  if (point[0] !== 4 || point.length !== known.pointBytes) {
    throw new CryptoError(
      'bad_public_key',
      `a ${known.curve} key is an uncompressed point of ${known.pointBytes} bytes`,
    )
  }
  return { type: 'ecdsa', curve: known.curve, point }
}

function parseRsa(key: Uint8Array): PublicKeyKind {
  const [modulus, exponent, surplus] = readDerChildren(readOnlyDer(key, derTag.sequence).content)
  if (modulus?.tag !== derTag.integer || exponent?.tag !== derTag.integer || surplus !== undefined) {
    throw new CryptoError('bad_public_key', 'not an RSA public key')
  }
  if (modulus.content.length > 2049 || exponent.content.length > 32) {
    throw new CryptoError('unsupported_key', 'the RSA key is larger than 16384 bits')
  }
  const modulusValue = BigInt(`0x${asBuffer(modulus.content).toString('hex')}`)
  return {
    type: 'rsa',
    modulusBits: modulusValue.toString(2).length,
    exponent: BigInt(`0x${asBuffer(exponent.content).toString('hex')}`),
  }
}
