/** The log's key may be a service of its own, which is slow or down at times: no writer waits for it without end. */

import type { Signer } from '@sigstack/crypto'
import { RekorLogError } from '../errors.ts'

export type BoundedSignerOptions = {
  readonly timeoutMs: number
  /** Told when the key stops signing, with the reason, and when it signs again. */
  readonly onChange?: (signs: boolean, reason?: unknown) => void
}

/** A signature that fails or takes too long is `unavailable`: clients try again, and find what was logged meanwhile. */
export function boundedSigner(
  signer: Signer,
  { timeoutMs, onChange = () => {} }: BoundedSignerOptions,
): Signer {
  let signed = true
  const note = (signs: boolean, reason?: unknown): void => {
    if (signs !== signed) onChange(signs, reason)
    signed = signs
  }
  return {
    publicKey: signer.publicKey,
    algorithm: signer.algorithm,
    sign: async (message) => {
      const { promise: late, reject } = Promise.withResolvers<never>()
      const timer = setTimeout(
        () => reject(new Error(`there was no signature within ${timeoutMs} ms`)),
        timeoutMs,
      )
      try {
        const signature = await Promise.race([signer.sign(message), late])
        note(true)
        return signature
      } catch (cause) {
        note(false, cause)
        throw new RekorLogError('unavailable', 'the key of the log does not sign at the moment; try again', {
          cause,
        })
      } finally {
        clearTimeout(timer)
      }
    },
  }
}
