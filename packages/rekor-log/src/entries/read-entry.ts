/**
 * Entries by place or by ID, in whichever shard they are. What is not found may be in a shard that another replica has opened
 * a moment ago, so the list of shards is looked at again before the answer is that there is no such entry.
 */

import type { LogEntry } from '@sigstack/log-engine'
import type { Placed, Shard, Shards } from '../shards/shard.ts'
import { shardAt } from '../shards/virtual-index.ts'
import type { LogPart, LogParts } from '../shards/whole-log.ts'
import type { EntryId } from './entry-id.ts'

/** The first shard that has it: the active one, then the others, oldest first. */
export async function findEntry(shards: Shards, id: EntryId): Promise<Placed | undefined> {
  return (await findEntries(shards, id, 1))[0]
}

/** The entry of every shard that has it, at most `limit`. An ID with a tree is looked for in that tree only. */
export async function findEntries(
  shards: Shards,
  id: EntryId,
  limit = Number.POSITIVE_INFINITY,
): Promise<readonly Placed[]> {
  const { treeId } = id
  const found = await findIn(shardsOf(shards, treeId), id, limit)
  if (found.length > 0 || (treeId !== undefined && shardsOf(shards, treeId).length > 0)) return found
  return (await shards.refresh()) ? findIn(shardsOf(shards, treeId), id, limit) : found
}

async function findIn(candidates: readonly Shard[], id: EntryId, limit: number): Promise<readonly Placed[]> {
  const found: Placed[] = []
  for (const shard of candidates) {
    if (found.length >= limit) break
    const entry = await shard.log.findByLeafHash(id.leafHash)
    if (entry !== undefined) found.push({ shard, entry })
  }
  return found
}

function shardsOf(shards: Shards, treeId: bigint | undefined): readonly Shard[] {
  if (treeId !== undefined) return shards.list().filter((shard) => shard.treeId === treeId)
  return [shards.active(), ...shards.list().slice(0, -1)]
}

/** Far beyond any log, and short of where 64-bit arithmetic ends. */
const largestIndex = 2n ** 62n

/** By virtual index. */
export async function readEntry(shards: Shards, virtual: bigint): Promise<Placed | undefined> {
  if (virtual > largestIndex) return undefined
  const read = async () => {
    const shard = shardAt(shards.list(), virtual)
    if (shard === undefined) return undefined
    const entry = await shard.log.readEntry(virtual - shard.firstIndex)
    return entry && { shard, entry }
  }
  return (await read()) ?? ((await shards.refresh()) ? read() : undefined)
}

/** From a virtual index on, at most `count`; fewer at the end of a shard, none at the end of the log. */
export async function readEntriesFrom<Part extends LogPart>(
  shards: Pick<LogParts<Part>, 'list'>,
  start: bigint,
  count: number,
): Promise<readonly { readonly shard: Part; readonly entry: LogEntry }[]> {
  const shard = shardAt(shards.list(), start)
  if (shard === undefined) return []
  const entries = await shard.log.readEntries(start - shard.firstIndex, count)
  return entries.map((entry) => ({ shard, entry }))
}
