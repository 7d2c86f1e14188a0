/** Verification of a signature over a message. Over a digest: see verify-digest.ts. */
import { verify as nodeVerify } from 'node:crypto'
import { asBuffer } from './bytes.ts'
import { der, derTag, derUnsignedInteger } from './der.ts'
import type { HashAlgorithm } from './digest.ts'
import type { PublicKey } from './public-key.ts'

/** Longest r‖s: two P-521 numbers. */
const longestRawSignature = 132

/**
 * Whether `signature` over `message` is by `key`. RSA means PKCS#1 v1.5, Ed25519 is pure (`hash` is not looked at). An ECDSA
 * signature may be DER, or r‖s (IEEE P1363) where it is no DER. Runs on the thread pool.
 */
export async function verifySignature(
  key: PublicKey,
  hash: HashAlgorithm,
  message: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  const algorithm = key.type === 'ed25519' ? null : hash
  if (await verifyOnPool(algorithm, message, key, signature)) return true
  const fromRaw = key.type === 'ecdsa' ? derFromRawSignature(signature) : undefined
  return fromRaw !== undefined && verifyOnPool(algorithm, message, key, fromRaw)
}

/** DER `SEQUENCE { r, s }` from r‖s; `undefined` when the length cannot be that, or it is DER already. */
export function derFromRawSignature(signature: Uint8Array): Uint8Array | undefined {
  const half = signature.length / 2
  if (!Number.isInteger(half) || half === 0 || signature.length > longestRawSignature) return undefined
  return der(
    derTag.sequence,
    derUnsignedInteger(signature.subarray(0, half)),
    derUnsignedInteger(signature.subarray(half)),
  )
}

function verifyOnPool(
  algorithm: HashAlgorithm | null,
  message: Uint8Array,
  key: PublicKey,
  signature: Uint8Array,
): Promise<boolean> {
  return new Promise((resolve) => {
    nodeVerify(algorithm, asBuffer(message), key.keyObject, asBuffer(signature), (error, valid) => {
      // A signature that does not even parse is simply not a valid one.
      resolve(error === null && valid)
    })
  })
}
