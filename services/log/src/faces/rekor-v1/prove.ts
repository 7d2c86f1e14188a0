/** The evidence for an entry, as answers and events have it. */
import { attestationKeyOf } from '@sigstack/rekor-entries'
import type { Placed } from '@sigstack/rekor-log'
import type { ProvenEntry } from './log-entry.ts'
import type { Attestations } from './settings.ts'

/** Against a checkpoint of the last second. With the attestation where one is kept. */
export async function prove({ shard, entry }: Placed, attestations?: Attestations): Promise<ProvenEntry> {
  const key = attestations === undefined ? undefined : attestationKeyOf(entry.leaf)
  const attestation = key === undefined ? undefined : await attestations?.read(key)
  const checkpoint = await shard.log.checkpointCovering(entry.leafIndex)
  const inclusionProof = await shard.log.proveInclusion(entry.leafIndex, checkpoint.treeHead.size)
  return {
    entry,
    isShared: true,
    checkpoint,
    inclusionProof,
    ...(attestation !== undefined && { attestation }),
  }
}
