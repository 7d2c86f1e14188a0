/** Backing up a log, up to the checkpoints that it signed a moment ago, into a file that appears whole or not at all. */

import { stat } from 'node:fs/promises'
import {
  BackupError,
  type BackupShard,
  lengthOfBackup,
  lineOf,
  listLine,
  listShards,
  type Manifest,
  migrateLogs,
  type ShardRow,
  writeBackup,
} from '@sigstack/log-engine'
import type { Pool } from '@sigstack/postgres'
import { replaceFile } from '@sigstack/server/files'
import { RekorLogError } from '../../errors.ts'
import { type CheckpointSource, type FoundNote, notesIn, verifyNote } from '../../signing/signed-heads.ts'

export type BackUpOptions = {
  readonly pool: Pool
  /** Name of the log's series in the database: `rekor-v1`, `ct`. */
  readonly log: string
  readonly file: string
  /** What the log says of all its shards; the backup ends exactly there. */
  readonly checkpoints: CheckpointSource
  readonly now: Date
  /** `done` and `total` count entries over all shards. */
  readonly onProgress?: (done: bigint, total: bigint) => void
}

export type BackedUp = {
  readonly manifest: Manifest
  /** Over all shards. */
  readonly entries: bigint
  /** Logged since the checkpoints were signed, and not in the backup. */
  readonly later: bigint
  readonly fileBytes: number
  /** Of the whole backup. */
  readonly sha256: Buffer
}

/** Throws RekorLogError `not_found`, and BackupError `bad_checkpoint`, `older_state` and `damaged`; a file that was there then stays. */
export async function backUpLog(options: BackUpOptions): Promise<BackedUp> {
  const { pool, log, file, onProgress } = options
  const notes = notesIn(options.checkpoints)
  await migrateLogs(pool)
  const rows = await listShards(pool, log)
  const active = rows.at(-1)
  if (active === undefined) throw new RekorLogError('not_found', `there is no log ${log} in this database`)
  const manifest = {
    log,
    place: await placeOf(pool, log),
    takenAt: options.now.toISOString(),
    mode: active.mode,
    modeReason: active.modeReason,
    shards: await shardsAt(rows, notes, options.checkpoints.where),
  }
  const written = await writeFileOnce(
    file,
    writeBackup({ pool, manifest, ...(onProgress !== undefined && { onProgress }) }),
  )
  const entries = lengthOfBackup(manifest)
  const stored = rows.reduce((sum, { treeSize }) => sum + treeSize, 0n)
  return { manifest, entries, later: stored - entries, ...written }
}

async function placeOf(pool: Pool, log: string): Promise<Manifest['place']> {
  const line = await lineOf(pool, log)
  if (line === undefined || line === log) return undefined
  const openedAtMs = (await listLine(pool, line)).find(({ name }) => name === log)?.openedAtMs
  return openedAtMs === undefined ? undefined : { line, openedAtMs }
}

/** The shards as the checkpoints show them: a shard that was opened since then is not there yet. */
async function shardsAt(
  rows: readonly ShardRow[],
  notes: readonly FoundNote[],
  where: string,
): Promise<readonly BackupShard[]> {
  const last = rows.findLastIndex(({ origin }) => notes.some((note) => note.origin === origin))
  const shards: BackupShard[] = []
  for (const [position, row] of rows.slice(0, Math.max(last, 0) + 1).entries()) {
    shards.push(await shardAt(row, notes, where, { hasNext: position < last, isNewest: row === rows.at(-1) }))
  }
  return shards
}

async function shardAt(
  row: ShardRow,
  notes: readonly FoundNote[],
  where: string,
  { hasNext, isNewest }: { readonly hasNext: boolean; readonly isNewest: boolean },
): Promise<BackupShard> {
  const { name, shard, origin, logId, publicKey, keyFile, treeSize, finalSize } = row
  const found = notes.find((note) => note.origin === origin)
  if (found === undefined) {
    throw new BackupError(
      'bad_checkpoint',
      `${where} holds no checkpoint of ${origin}: give what the running log says of itself, at /api/v1/log`,
    )
  }
  if (publicKey === undefined) {
    throw new BackupError(
      'bad_checkpoint',
      `the key of ${origin} is not known: start its service once, which tells`,
    )
  }
  const { treeHead } = await verifyNote(found, { origin, logId, publicKey })
  const { size, rootHash } = treeHead
  if (size > treeSize) {
    throw new BackupError(
      'older_state',
      `${where} shows ${size} signed entries of ${origin}, and the database holds ${treeSize}: it was put back to an older state, or is a copy that lags behind`,
    )
  }
  if (hasNext && size !== treeSize) {
    throw new BackupError(
      'bad_checkpoint',
      `the checkpoint of ${origin} from ${where} is older than its last entry`,
    )
  }
  // One whose next is not in the backup goes on, as it did when its checkpoint was signed.
  const isFrozen = hasNext || (isNewest && size === finalSize)
  const frozenAtMs = isFrozen ? row.frozenAtMs : undefined
  const checkpoint = found.note
  return { name, shard, origin, logId, publicKey, keyFile, size, rootHash, isFrozen, frozenAtMs, checkpoint }
}

async function writeFileOnce(
  file: string,
  bytes: AsyncGenerator<Uint8Array, Buffer>,
): Promise<{ readonly fileBytes: number; readonly sha256: Buffer }> {
  let sha256: Buffer = Buffer.alloc(0)
  async function* content(): AsyncGenerator<Uint8Array> {
    sha256 = yield* bytes
  }
  await replaceFile(file, content(), { mode: 0o600 })
  return { fileBytes: (await stat(file)).size, sha256 }
}
