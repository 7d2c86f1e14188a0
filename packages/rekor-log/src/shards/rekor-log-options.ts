import { randomBytes } from 'node:crypto'
import { rekorV1KeyHint, signCheckpoint } from '@sigstack/checkpoint'
import { keyFingerprint, type Signer } from '@sigstack/crypto'
import type { LogOptions } from '@sigstack/log-engine'
import { originOf, parseOrigin, treeIdFrom } from './tree-id.ts'

/** Origin and checkpoint form of the dialect. A log that exists keeps the origin it was made with. */
export function rekorLogOptions(
  hostname: string,
  signer: Signer,
): Pick<LogOptions, 'logId' | 'newOrigin' | 'signCheckpoint'> {
  const keyHint = rekorV1KeyHint(signer.publicKey)
  return {
    logId: keyFingerprint(signer.publicKey),
    newOrigin: () => newRekorOrigin(hostname),
    // The signer's name is the host name alone, as its clients compare it with the log's URL.
    signCheckpoint: (treeHead, origin) =>
      signCheckpoint({ origin, name: parseOrigin(origin)?.hostname ?? hostname, treeHead, signer, keyHint }),
  }
}

/** A host name and a tree ID drawn at random. */
export function newRekorOrigin(hostname: string): string {
  return originOf(hostname, treeIdFrom(randomBytes(8)))
}
