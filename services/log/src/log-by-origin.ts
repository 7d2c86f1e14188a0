/** A log whose key is called by its origin in checkpoints, as CT logs and those of Rekor v2 are. */
import { noteKeyHint, signCheckpoint } from '@sigstack/checkpoint'
import { keyFingerprint, type Signer } from '@sigstack/crypto'
import type { LogOptions } from '@sigstack/log-engine'

/** A log that exists keeps the origin it was made with. */
export function logByOrigin(
  name: string,
  newOrigin: string,
  signer: Signer,
): Pick<LogOptions, 'name' | 'logId' | 'newOrigin' | 'signCheckpoint'> {
  return {
    name,
    logId: keyFingerprint(signer.publicKey),
    newOrigin: () => newOrigin,
    signCheckpoint: (treeHead, origin) =>
      signCheckpoint({
        origin,
        name: origin,
        treeHead,
        signer,
        keyHint: noteKeyHint(origin, signer.publicKey),
      }),
  }
}
