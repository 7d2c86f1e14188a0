/** Verification with options that `@sigstack/crypto` has no use for: other hashes, RSASSA-PSS, r‖s. */
import { constants, type KeyObject, verify } from 'node:crypto'
import { asBuffer } from '@sigstack/crypto'

export type VerificationOptions = {
  readonly key: KeyObject
  readonly padding?: number
  readonly saltLength?: number
  readonly dsaEncoding?: 'der' | 'ieee-p1363'
}

/** RSASSA-PSS with a salt of any length, or of the digest's. */
export function pssOptions(key: KeyObject, salt: 'any' | 'digest'): VerificationOptions {
  return {
    key,
    padding: constants.RSA_PKCS1_PSS_PADDING,
    saltLength: salt === 'any' ? constants.RSA_PSS_SALTLEN_AUTO : constants.RSA_PSS_SALTLEN_DIGEST,
  }
}

/** `hash` in Node's words; undefined for Ed25519. A signature that does not even parse is not a valid one. */
export function verifyWith(
  hash: string | undefined,
  message: Uint8Array,
  options: VerificationOptions,
  signature: Uint8Array,
): Promise<boolean> {
  return new Promise((resolve) => {
    verify(hash, asBuffer(message), options, asBuffer(signature), (error, valid) =>
      resolve(error === null && valid),
    )
  })
}
