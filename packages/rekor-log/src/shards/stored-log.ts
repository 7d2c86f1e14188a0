/** Rekor logs as they lie in the database, for operations that need no running service: their shards, and entries by virtual index. */

import { type LogEntry, listShards, migrateLogs, readLogEntries, type ShardRow } from '@sigstack/log-engine'
import type { Pool, Queryable } from '@sigstack/postgres'
import { RekorLogError } from '../errors.ts'
import { parseOrigin } from './tree-id.ts'
import { firstIndexes, shardAt } from './virtual-index.ts'

/** Name of the Rekor log's series of shards in the database. */
export const rekorSeries = 'rekor-v1'

/** A shard of any log that is numbered as one. */
export type NumberedShard = ShardRow & {
  /** Virtual index of its first entry. */
  readonly firstIndex: bigint
}

/** Of Rekor v1, whose origins name the shard. */
export type StoredShard = NumberedShard & {
  readonly hostname: string
  readonly treeId: bigint
}

/** Oldest first, at least one. Brings the schema up to date; throws RekorLogError `not_found`. */
export async function storedShards(pool: Pool): Promise<readonly StoredShard[]> {
  await migrateLogs(pool)
  return shardsInDatabase(pool)
}

/** The same where the schema is known to be up to date. */
export async function shardsInDatabase(db: Queryable): Promise<readonly StoredShard[]> {
  const shards = await shardsOfLog(db, rekorSeries)
  return shards.map((shard) => {
    const origin = parseOrigin(shard.origin)
    if (origin === undefined) throw new Error(`the shard ${shard.name} has no origin of the Rekor v1 form`)
    return { ...shard, ...origin }
  })
}

/** Of any log, by its name in the database; at least one. Throws RekorLogError `not_found`. */
export async function shardsOfLog(db: Queryable, name: string): Promise<readonly NumberedShard[]> {
  const rows = await listShards(db, name)
  if (rows.length === 0) throw new RekorLogError('not_found', `this database holds no log ${name}`)
  const firsts = firstIndexes(rows.slice(0, -1).map(({ finalSize }) => finalSize ?? 0n))
  return rows.map((row) => ({ ...row, firstIndex: firsts[row.shard] ?? 0n }))
}

/** Entries of all these shards. */
export function lengthOf(shards: readonly Pick<ShardRow, 'treeSize'>[]): bigint {
  return shards.reduce((sum, { treeSize }) => sum + treeSize, 0n)
}

/** Entries by virtual index, in order; the `leafIndex` of each is its virtual one. Ends early where the table has nothing. */
export async function* readStoredEntries(
  db: Queryable,
  shards: readonly NumberedShard[],
  start: bigint,
  end: bigint,
): AsyncGenerator<readonly LogEntry[]> {
  for (let at = start; at < end; ) {
    const shard = shardAt(shards, at)
    if (shard === undefined) return
    const { name, firstIndex, treeSize } = shard
    const shardEnd = firstIndex + treeSize < end ? treeSize : end - firstIndex
    const from = at - firstIndex
    const to = from + entriesPerPage < shardEnd ? from + entriesPerPage : shardEnd
    const page = await readLogEntries(db, name, from, to)
    const last = page.at(-1)
    if (last === undefined) return
    at = firstIndex + last.leafIndex + 1n
    yield firstIndex === 0n
      ? page
      : page.map((entry) => ({ ...entry, leafIndex: firstIndex + entry.leafIndex }))
  }
}

const entriesPerPage = 2048n
