/** Verification of a signature over a message. Over a digest: see verify-digest/. */
import { verify as nodeVerify } from 'node:crypto'
import { asBuffer } from './bytes.ts'
import { digest, type HashAlgorithm } from './digest.ts'
import { derEcdsaSignature } from './ecdsa-signature.ts'
import { CryptoError } from './errors.ts'
import type { PublicKey } from './public-key.ts'
import { hasSpareCores, isSlowToVerify } from './thread-pool.ts'
import { isOpensslChosen, verifyDigest } from './verify-digest/verify-digest.ts'

/**
 * Whether `signature` over `message` is by `key`. RSA means PKCS#1 v1.5, Ed25519 is pure (`hash` is not looked at, and may be
 * undefined as in the algorithm's parameters; no other key verifies without one). An ECDSA
 * signature may be DER, or r‖s (IEEE P1363) where it is no DER. Runs on the thread pool where that pays (thread-pool.ts).
 */
export async function verifySignature(
  key: PublicKey,
  hash: HashAlgorithm | undefined,
  message: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  const accepted = key.type === 'ecdsa' ? derEcdsaSignature(signature) : signature
  const algorithm = key.type === 'ed25519' ? null : hash
  if (accepted === undefined || algorithm === undefined) return false
  // Node's key object takes as long to make as the check itself, and most keys are seen once. Where nobody has
  // probed yet it does all the same: probing costs a short process more than all its checks.
  if (key.type === 'ecdsa' && algorithm !== null && isOpensslChosen())
    return verifyDigest(key, algorithm, digest(algorithm, message), accepted)
  try {
    if (hasSpareCores || isSlowToVerify(key)) return await verifyOnPool(algorithm, message, key, accepted)
    return nodeVerify(algorithm, asBuffer(message), key.keyObject, asBuffer(accepted))
  } catch (error) {
    // A key that only OpenSSL finds fault with has signed nothing.
    if (!(error instanceof CryptoError)) throw error
    return false
  }
}

function verifyOnPool(
  algorithm: HashAlgorithm | null,
  message: Uint8Array,
  key: PublicKey,
  signature: Uint8Array,
): Promise<boolean> {
  const { keyObject } = key
  return new Promise((resolve) => {
    nodeVerify(algorithm, asBuffer(message), keyObject, asBuffer(signature), (error, valid) => {
      // A signature that does not even parse is simply not a valid one.
      resolve(error === null && valid)
    })
  })
}
