/** ECDSA over a digest in plain JavaScript: some 300 P-256 checks per second, so only where nothing else works. */
import { p256, p384, p521 } from '@noble/curves/nist.js'
import { rawFromDerSignature } from '../ecdsa-signature.ts'
import type { VerifyEcdsaDigest } from './ecdsa-backend.ts'

const curves = { 'P-256': p256, 'P-384': p384, 'P-521': p521 }

export const verifyWithNoble: VerifyEcdsaDigest = async ({ curve, point, digest, signature }) => {
  const raw = rawFromDerSignature(signature, (point.length - 1) / 2)
  if (raw === undefined) return false
  try {
    return curves[curve].verify(raw, digest, point, { prehash: false, lowS: false, format: 'compact' })
  } catch {
    // r or s out of range.
    return false
  }
}
