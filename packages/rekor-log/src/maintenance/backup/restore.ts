/** Restoring a log from a backup, and checking a backup by itself. */
import { createReadStream } from 'node:fs'
import {
  BackupError,
  checkBackup,
  type KnownHead,
  type Manifest,
  type OpenBackup,
  openBackup,
  restoreLog,
} from '@sigstack/log-engine'
import { migrate, type Pool } from '@sigstack/postgres'
import { migrations, readPosition } from '../../search/store.ts'
import { rekorSeries } from '../../shards/stored-log.ts'
import { verifyNote } from '../../signing/signed-heads.ts'
import { assertNewest } from './newest-head.ts'

export type CheckedBackup = {
  readonly manifest: Manifest
  /** Of the whole backup. */
  readonly sha256: Buffer
}

type Progress = (done: bigint, total: bigint) => void

/** The manifest of a backup whose checkpoints verify; its entries are not read. Throws BackupError. */
export async function readManifest(file: string): Promise<Manifest> {
  return withBackup(file, async ({ manifest }) => manifest)
}

/** Reads a whole backup without a database. Throws BackupError. */
export async function verifyBackup(file: string, onProgress: Progress): Promise<CheckedBackup> {
  return withBackup(file, async (backup) => {
    await checkBackup({ backup, onProgress })
    return { manifest: backup.manifest, sha256: backup.checksum() }
  })
}

/**
 * Writes the log into a database that does not hold it, in one transaction. Throws BackupError, among them `older_state` where one of
 * `knownHeads` is newer than the backup, and `other_history` where one is no beginning of it.
 */
export async function restoreBackup(options: {
  readonly pool: Pool
  readonly file: string
  readonly knownHeads: readonly KnownHead[]
  readonly onProgress: Progress
}): Promise<CheckedBackup> {
  const { pool, file, knownHeads, onProgress } = options
  return withBackup(file, async (backup) => {
    assertNewest(backup.manifest, knownHeads)
    await assertNoIndex(pool, backup.manifest)
    await restoreLog(pool, { backup, knownHeads, onProgress })
    return { manifest: backup.manifest, sha256: backup.checksum() }
  })
}

async function withBackup<Result>(
  file: string,
  work: (backup: OpenBackup) => Promise<Result>,
): Promise<Result> {
  const bytes = createReadStream(file, { highWaterMark: 1 << 20 })
  try {
    const backup = await openBackup(bytes)
    for (const shard of backup.manifest.shards) {
      const { treeHead } = await verifyNote({ where: 'the backup', note: shard.checkpoint }, shard)
      if (treeHead.size !== shard.size || Buffer.compare(treeHead.rootHash, shard.rootHash) !== 0) {
        throw new BackupError('damaged', `the checkpoint of ${shard.origin} in the backup signs another tree`)
      }
    }
    return await work(backup)
  } finally {
    bytes.destroy()
  }
}

/** Search rows of a log that was here before would be taken for the restored one's. */
async function assertNoIndex(pool: Pool, { log, shards }: Manifest): Promise<void> {
  if (log !== rekorSeries) return
  await migrate(pool, migrations)
  const position = await readPosition(pool, shards[0]?.logId ?? Buffer.alloc(32))
  if (position === 0n) return
  throw new BackupError(
    'not_empty',
    'the database holds a search index of this log: restore into a new, empty database',
  )
}
