/**
 * Restoring a log from a backup, in one transaction: the log is there whole, with the root that its checkpoint signs, or not at all.
 * A service that is started meanwhile waits for the end, and finds it.
 */
import { emptyRootHash } from '@sigstack/merkle'
import { inTransaction, type Pool, type Queryable } from '@sigstack/postgres'
import { listShards, migrateLogs } from '../../series.ts'
import type { LogNo } from '../../store.ts'
import { type CheckBackupOptions, checkBackup } from './check-backup.ts'
import { BackupError } from './errors.ts'
import type { BackupShard, Manifest } from './manifest.ts'
import { writePage } from './write-page.ts'

/** Throws `not_empty`, and what {@link checkBackup} throws; the database is then as it was. */
export async function restoreLog(
  pool: Pool,
  options: Pick<CheckBackupOptions, 'backup' | 'knownHeads' | 'onProgress'>,
): Promise<void> {
  const { manifest } = options.backup
  await migrateLogs(pool)
  await inTransaction(pool, async (tx) => {
    const logNos = await insertShards(tx, manifest)
    const times = new Map<number, number>()
    let newestMs = 0
    await checkBackup({
      ...options,
      onPage: async ({ shard }, entries, tiles) => {
        await writePage(tx, logNos[shard] ?? 0, entries, tiles)
        newestMs = Math.max(newestMs, entries.at(-1)?.sequencedAtMs ?? 0)
        times.set(shard, newestMs)
      },
    })
    let lastMs = 0
    for (const shard of manifest.shards) {
      lastMs = times.get(shard.shard) ?? lastMs
      await setHead(tx, logNos[shard.shard] ?? 0, shard, lastMs)
    }
  })
}

/** Empty, so that nobody else makes a log of that name before this one is there. */
async function insertShards(tx: Queryable, manifest: Manifest): Promise<readonly LogNo[]> {
  const { log, shards, mode, modeReason, place } = manifest
  if ((await listShards(tx, log)).length > 0) {
    throw new BackupError(
      'not_empty',
      `the database holds the log ${log} already, and a log is never written over: restore into a new, empty database`,
    )
  }
  const logNos: LogNo[] = []
  for (const { name, shard, origin, logId, publicKey, keyFile, isFrozen } of shards) {
    const { rows } = await tx.query<{ log_no: number }>(
      `insert into log (name, series, shard, log_id, origin, root_hash, final_size, mode, mode_reason, public_key, key_file, line, opened_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) returning log_no`,
      [
        name,
        shard === 0 ? null : log,
        shard,
        logId,
        origin,
        emptyRootHash,
        isFrozen ? 0 : null,
        isFrozen ? 'open' : mode,
        isFrozen ? null : (modeReason ?? null),
        publicKey,
        keyFile ?? null,
        place?.line ?? null,
        place?.openedAtMs ?? null,
      ],
    )
    logNos.push(rows[0]?.log_no ?? 0)
  }
  return logNos
}

async function setHead(
  tx: Queryable,
  logNo: LogNo,
  { size, rootHash, isFrozen, frozenAtMs }: BackupShard,
  lastSequencedAtMs: number,
): Promise<void> {
  await tx.query(
    'update log set tree_size = $2, root_hash = $3, last_sequenced_at = $4, final_size = $5, frozen_at = $6 where log_no = $1',
    [logNo, size, Buffer.from(rootHash), lastSequencedAtMs, isFrozen ? size : null, frozenAtMs ?? null],
  )
}
