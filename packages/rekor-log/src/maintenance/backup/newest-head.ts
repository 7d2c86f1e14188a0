/**
 * Whether a backup is the newest state that anybody can be found to know. A log that goes on from an older one forks: this is the
 * question that restoring must not get wrong.
 */
import { BackupError, type KnownHead, listShards, type Manifest } from '@sigstack/log-engine'
import type { Queryable } from '@sigstack/postgres'
import { parseOrigin } from '../../shards/tree-id.ts'
import { type CheckpointSource, notesIn, verifyNote } from '../../signing/signed-heads.ts'

/** Heads that were signed, of the backup's shards. Throws `bad_checkpoint`, and `older_state` for a shard that the backup has not. */
export async function signedHeads(
  { shards }: Manifest,
  sources: readonly CheckpointSource[],
): Promise<readonly KnownHead[]> {
  const heads: KnownHead[] = []
  for (const note of sources.flatMap(notesIn)) {
    const { origin, where } = note
    const shard = shards.find((candidate) => candidate.origin === origin)
    if (shard === undefined) throw unknownShard(origin, where, shards.at(-1)?.origin ?? '')
    heads.push({ origin, where, ...(await verifyNote(note, shard)).treeHead })
  }
  return heads
}

/** Heads that a database holds of the same log. Throws `older_state` for a shard that the backup has not. */
export async function storedHeads(
  { log, shards }: Manifest,
  replaced: Queryable,
  where: string,
): Promise<readonly KnownHead[]> {
  const { rows: tables } = await replaced.query<{ log: string | null }>(`select to_regclass('log') as log`)
  if (tables[0]?.log === null) return []
  const rows = await listShards(replaced, log)
  if (!rows.some(({ origin }) => origin === shards[0]?.origin)) return []
  return rows.map(({ origin, treeSize: size, rootHash }) => {
    if (!shards.some((shard) => shard.origin === origin)) throw older(`${where} has a later shard, ${origin}`)
    return { origin, size, rootHash, where }
  })
}

/** Throws `older_state` when one of the heads is newer than the backup. */
export function assertNewest({ shards }: Manifest, heads: readonly KnownHead[]): void {
  for (const { origin, size, where } of heads) {
    const held = shards.find((shard) => shard.origin === origin)?.size ?? 0n
    if (size > held) {
      throw older(`the backup holds ${held} entries of ${origin}, and ${where} shows ${size}`)
    }
  }
}

function unknownShard(origin: string, where: string, known: string): BackupError {
  const hostname = parseOrigin(origin)?.hostname
  if (hostname !== undefined && hostname === parseOrigin(known)?.hostname) {
    return older(`${where} shows a shard that the backup has not, ${origin}`)
  }
  return new BackupError('bad_checkpoint', `the checkpoint from ${where} is of another log, ${origin}`)
}

function older(what: string): BackupError {
  return new BackupError('older_state', `${what}: the backup is not the newest state of this log`)
}
