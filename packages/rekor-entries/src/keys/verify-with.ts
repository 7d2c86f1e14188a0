/** Verification with options that `@sigstack/crypto` has no use for: other hashes, RSASSA-PSS, r‖s. */
import { constants, verify } from 'node:crypto'
import { asBuffer, type PublicKey, verificationCost } from '@sigstack/crypto'
import { noteHeld, spend, spendForHashing } from '../work.ts'

export type VerificationOptions = {
  readonly key: PublicKey
  readonly padding?: number
  readonly saltLength?: number
  readonly dsaEncoding?: 'der' | 'ieee-p1363'
}

/** RSASSA-PSS with a salt of any length, or of the digest's. */
export function pssOptions(key: PublicKey, salt: 'any' | 'digest'): VerificationOptions {
  return {
    key,
    padding: constants.RSA_PKCS1_PSS_PADDING,
    saltLength: salt === 'any' ? constants.RSA_PSS_SALTLEN_AUTO : constants.RSA_PSS_SALTLEN_DIGEST,
  }
}

/** `hash` in Node's words; undefined for Ed25519. A signature that does not even parse is not a valid one. */
export async function verifyWith(
  hash: string | undefined,
  message: Uint8Array,
  { key, ...options }: VerificationOptions,
  signature: Uint8Array,
): Promise<boolean> {
  spend(verificationCost(key))
  spendForHashing(message)
  const holds = await new Promise<boolean>((resolve) => {
    const how = { key: key.keyObject, ...options }
    verify(hash, asBuffer(message), how, asBuffer(signature), (error, valid) =>
      resolve(error === null && valid),
    )
  })
  if (holds) noteHeld(key.spki, signature)
  return holds
}

/** The same at once, on this thread, of what was verified before. */
export function verifyNowWith(
  hash: string | undefined,
  message: Uint8Array,
  { key, ...options }: VerificationOptions,
  signature: Uint8Array,
): boolean {
  spend(verificationCost(key))
  spendForHashing(message)
  try {
    return verify(hash, asBuffer(message), { key: key.keyObject, ...options }, asBuffer(signature))
  } catch {
    return false
  }
}
