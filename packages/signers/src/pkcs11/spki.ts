/** From the attributes of a public key on a token to SubjectPublicKeyInfo. */
import { CryptoError, der, derOid, derTag, derUnsignedInteger, readOnlyDer } from '@sigstack/crypto'
import { ckk } from './constants.ts'
import type { PublicKeyAttributes } from './protocol.ts'

const oid = { ec: '1.2.840.10045.2.1', rsa: '1.2.840.113549.1.1.1', ed25519: '1.3.101.112' } as const
const ed25519Bytes = 32

/** Undefined for keys that do not sign here. What the attributes hold is checked by whoever parses the result. */
export function spkiOf(attributes: PublicKeyAttributes): Uint8Array | undefined {
  const { keyType, ecParams, ecPoint, modulus, publicExponent } = attributes
  if (keyType === ckk.ec && ecParams !== undefined && ecPoint !== undefined)
    return subjectPublicKeyInfo([derOid(oid.ec), ecParams], unwrapped(ecPoint))
  if (keyType === ckk.ecEdwards && ecPoint !== undefined) {
    const point = unwrapped(ecPoint)
    return point.length === ed25519Bytes ? subjectPublicKeyInfo([derOid(oid.ed25519)], point) : undefined
  }
  if (keyType === ckk.rsa && modulus !== undefined && publicExponent !== undefined) {
    const key = der(derTag.sequence, derUnsignedInteger(modulus), derUnsignedInteger(publicExponent))
    return subjectPublicKeyInfo([derOid(oid.rsa), Uint8Array.of(derTag.null, 0)], key)
  }
  return undefined
}

function subjectPublicKeyInfo(algorithm: readonly Uint8Array[], key: Uint8Array): Uint8Array {
  return der(
    derTag.sequence,
    der(derTag.sequence, ...algorithm),
    der(derTag.bitString, Uint8Array.of(0), key),
  )
}

/** CKA_EC_POINT is a point in a DER OCTET STRING; some tokens leave the wrapping out. An uncompressed point starts with the same byte. */
function unwrapped(point: Uint8Array): Uint8Array {
  try {
    return readOnlyDer(point, derTag.octetString).content
  } catch (error) {
    if (!(error instanceof CryptoError)) throw error
    return point
  }
}
