/** What the dialect knows of a shard, worked out once: its texts are in every answer. */
import type { Signer } from '@sigstack/crypto'
import { encodePublicKeyPem, toHex } from '@sigstack/crypto'
import type { Log } from '@sigstack/log-engine'
import { parseOrigin, treeIdHex } from './tree-id.ts'

export type Shard = {
  readonly log: Log
  /** The shard's key; signs SETs here and checkpoints in the engine. */
  readonly signer: Signer
  readonly treeId: bigint
  readonly treeIdHex: string
  readonly logIdHex: string
  readonly publicKeyPem: string
}

/** Throws when the log was made under an origin that is no Rekor v1 one. */
export function openShard(log: Log, signer: Signer): Shard {
  const origin = parseOrigin(log.origin)
  if (origin === undefined) {
    throw new Error(
      `the log ${JSON.stringify(log.origin)} has no origin of the form '<host name> - <tree ID>'; give this face a log of its own`,
    )
  }
  return {
    log,
    signer,
    treeId: origin.treeId,
    treeIdHex: treeIdHex(origin.treeId),
    logIdHex: toHex(log.logId),
    publicKeyPem: encodePublicKeyPem(signer.publicKey),
  }
}
