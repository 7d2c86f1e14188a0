/** A second line by the log itself, of ML-DSA-44, behind the one that every client verifies (C2SP tlog-checkpoint). */
import { cosign, noteKey, parseCheckpoint } from '@sigstack/checkpoint'
import type { MlDsaSigner } from '@sigstack/crypto'
import type { LogOptions } from '@sigstack/log-engine'

/**
 * Signs as `signCheckpoint` does, and then once more under the same name; `now` is in milliseconds since the epoch. ML-DSA-44 does not
 * cover further lines, so a frozen log goes without the one that says so.
 */
export function withMlDsaLine(
  signCheckpoint: LogOptions['signCheckpoint'],
  signer: MlDsaSigner,
  now: () => number,
): LogOptions['signCheckpoint'] {
  return async (treeHead, origin) => {
    const note = await signCheckpoint(treeHead, origin)
    const checkpoint = parseCheckpoint(note)
    const [first] = checkpoint.signatures
    if (first === undefined) throw new Error('a checkpoint has a signature')
    const key = noteKey(first.name, 'ml-dsa-44', signer.publicKey)
    const timeSeconds = BigInt(Math.floor(now() / 1_000))
    return note + (await cosign(checkpoint, { key, sign: signer.sign }, timeSeconds))
  }
}
