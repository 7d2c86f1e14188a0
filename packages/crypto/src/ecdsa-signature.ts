/** The two forms of an ECDSA signature on the wire: DER `SEQUENCE { r, s }` (RFC 3279) and r‖s (IEEE P1363). */
import { der, derTag, derUnsignedInteger } from './der.ts'
import { type EcCurve, signatureNumberBytes, withLowS } from './ec-curve.ts'

/** Longest r‖s: two P-521 numbers. */
const longestRawSignature = 132

/** Whether `signature` is exactly one DER `SEQUENCE` of two positive INTEGERs, every length minimal. */
export function isDerEcdsaSignature(signature: Uint8Array): boolean {
  if (signature[0] !== derTag.sequence) return false
  // Only P-521 signatures are long enough to need a second length byte.
  const long = signature[1] === 0x81
  const length = signature[long ? 2 : 1] ?? 0
  const start = long ? 3 : 2
  if (long !== length >= 0x80 || start + length !== signature.length) return false
  const middle = endOfPositiveInteger(signature, start)
  return middle !== undefined && endOfPositiveInteger(signature, middle) === signature.length
}

/**
 * The DER form of `signature`: itself where it is strict DER, else made from r‖s; `undefined` when it can be neither.
 * High s is left as it is: Sigstore's clients do not normalise.
 */
export function derEcdsaSignature(signature: Uint8Array): Uint8Array | undefined {
  return isDerEcdsaSignature(signature) ? signature : derFromRawSignature(signature)
}

/** DER `SEQUENCE { r, s }` from r‖s; `undefined` when the length cannot be that. */
export function derFromRawSignature(signature: Uint8Array): Uint8Array | undefined {
  const half = signature.length / 2
  if (!Number.isInteger(half) || half === 0 || signature.length > longestRawSignature) return undefined
  return der(
    derTag.sequence,
    derUnsignedInteger(signature.subarray(0, half)),
    derUnsignedInteger(signature.subarray(half)),
  )
}

/** r‖s, each `numberBytes` long, from a DER signature that {@link isDerEcdsaSignature} accepts; `undefined` if too large. */
export function rawFromDerSignature(signature: Uint8Array, numberBytes: number): Uint8Array | undefined {
  const raw = new Uint8Array(2 * numberBytes)
  let start = signature[1] === 0x81 ? 3 : 2
  for (const end of [numberBytes, 2 * numberBytes]) {
    const length = signature[start + 1] ?? 0
    let magnitude = signature.subarray(start + 2, start + 2 + length)
    if (magnitude[0] === 0) magnitude = magnitude.subarray(1)
    if (magnitude.length > numberBytes) return undefined
    raw.set(magnitude, end - magnitude.length)
    start += 2 + length
  }
  return raw
}

/** The same bytes for every spelling of a signature that held: DER or r‖s, with the smaller of the two s; else itself. */
export function plainEcdsaSignature(curve: EcCurve, signature: Uint8Array): Uint8Array {
  const strict = derEcdsaSignature(signature)
  const raw = strict === undefined ? undefined : rawFromDerSignature(strict, signatureNumberBytes(curve))
  return raw === undefined ? signature : withLowS(curve, raw)
}

function endOfPositiveInteger(bytes: Uint8Array, start: number): number | undefined {
  const length = bytes[start + 1] ?? 0
  const first = bytes[start + 2] ?? 0xff
  const end = start + 2 + length
  if (bytes[start] !== derTag.integer || length === 0 || length >= 0x80 || end > bytes.length)
    return undefined
  if (first >= 0x80) return undefined
  if (first === 0 && (length === 1 || (bytes[start + 3] ?? 0) < 0x80)) return undefined
  return end
}
