/** What an implementation of ECDSA over a given digest looks like, and the answers that prove one. */
import { parseHex } from '../bytes.ts'
import type { EcCurve } from '../public-key.ts'
import { knownAnswers } from './known-answers.ts'

export type DigestVerificationBackend = 'node' | 'openssl' | 'noble'

export type EcdsaCheck = {
  readonly curve: EcCurve
  /** Uncompressed point, known to be on the curve. */
  readonly point: Uint8Array
  readonly digest: Uint8Array
  /** Strict DER; r and s may still be out of range, and s may be high. */
  readonly signature: Uint8Array
}

/** Answers, never throws for what a peer may have sent. The arrays must not change until it has answered. */
export type VerifyEcdsaDigest = (check: EcdsaCheck) => Promise<boolean>

/** Whether `verify` tells good from bad signatures on all three curves, high s included. */
export async function givesKnownAnswers(verify: VerifyEcdsaDigest): Promise<boolean> {
  for (const answer of knownAnswers) {
    const check = {
      curve: answer.curve,
      point: parseHex(answer.point),
      digest: parseHex(answer.digest),
      signature: parseHex(answer.signature),
    }
    const otherDigest = check.digest.map((byte, at) => (at === 0 ? byte ^ 1 : byte))
    const highS = parseHex(answer.signatureWithHighS)
    if (!(await verify(check)) || !(await verify({ ...check, signature: highS }))) return false
    if (await verify({ ...check, digest: otherDigest })) return false
  }
  return true
}
