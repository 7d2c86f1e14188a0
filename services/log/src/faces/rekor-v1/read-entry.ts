/** An entry with a fresh proof against the newest tree head, by its place or by its ID. */
import type { LogEntry } from '@sigstack/log-engine'
import { inactiveLengths } from './dependencies.ts'
import type { EntryId } from './entry-id.ts'
import { badRequest } from './errors.ts'
import type { ProvenEntry } from './log-entry.ts'
import type { Shard } from './shard.ts'
import { placeOf } from './shards.ts'
import { isTreeId, treeIdHex } from './tree-id.ts'

export async function findEntry(shard: Shard, id: EntryId): Promise<LogEntry | undefined> {
  if (id.treeId !== undefined) {
    if (id.treeId !== 0n && !isTreeId(id.treeId)) {
      throw badRequest(`validation error: ${treeIdHex(id.treeId)} is not a valid TreeID`)
    }
    if (id.treeId !== shard.treeId) return undefined
  }
  return shard.log.findByLeafHash(id.leafHash)
}

/** Far beyond any log, and short of where 64-bit arithmetic ends. */
const largestIndex = 2n ** 62n

export async function readEntry(shard: Shard, virtual: bigint): Promise<LogEntry | undefined> {
  const { leafIndex } = placeOf(inactiveLengths, virtual)
  return leafIndex > largestIndex ? undefined : shard.log.readEntry(leafIndex)
}

/** The checkpoint is asked for after the entry was seen, so it covers it. */
export async function prove(shard: Shard, entry: LogEntry): Promise<ProvenEntry> {
  const checkpoint = await shard.log.checkpoint()
  const inclusionProof = await shard.log.proveInclusion(entry.leafIndex, checkpoint.treeHead.size)
  return { entry, checkpoint, inclusionProof }
}
