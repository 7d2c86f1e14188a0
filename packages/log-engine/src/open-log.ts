/** Opens a log: one origin, one key, one row in the database, and any number of processes that write to it. */
import { counted } from '@sigstack/crypto'
import type { Pool } from '@sigstack/postgres'
import { type BatchReport, createWriter } from './append.ts'
import type { Cosigning } from './cosigning.ts'
import { LogError } from './errors.ts'
import type { Log } from './log.ts'
import { createPublisher, type SignCheckpoint } from './publish.ts'
import { createTreeReader } from './read-tree.ts'
import { createSequencer } from './sequence.ts'
import { migrateLogs } from './series.ts'
import type { KeptHead, SignedHeads } from './signed-heads.ts'
import { findLog, findOrCreateLog, type LogRow, readHead } from './store.ts'
import { createTiles } from './tiles.ts'

export type LogOptions = {
  readonly pool: Pool
  /**
   * For what readers ask of the tree and of ranges of entries, whose cost is theirs to choose: with connections of their own they
   * keep writers waiting for none. Default: `pool`.
   */
  readonly readers?: Pool
  /** Which log of this database; a deployment may keep several. */
  readonly name: string
  /** SHA-256 of the log key's SubjectPublicKeyInfo. */
  readonly logId: Uint8Array
  /** The origin of a log that does not exist yet; one that does keeps its own. */
  readonly newOrigin: () => string
  readonly signCheckpoint: SignCheckpoint
  /** What remembers, outside of the database, how far this log was signed; without it each process knows its own time only. */
  readonly signedHeads?: SignedHeads
  /** Others who sign its heads too. */
  readonly cosigning?: Cosigning | undefined
  /** Milliseconds since the epoch. */
  readonly now?: () => number
  /** Writers that may wait, for their batch or for its signature; default 10,000. */
  readonly queueLimit?: number
  /** Entries in one transaction at the most; default 512. */
  readonly batchLimit?: number
  /** Full tiles kept in memory, 16 KiB each; default 2,048. */
  readonly tileCacheLimit?: number
  /** Of entries that were read, kept in memory; default 16 MiB. */
  readonly entryCacheBytes?: number
  /** Told when this machine's clock runs ahead of the database's, whose time is taken then; 0 when it does not any more. */
  readonly onClock?: (aheadMs: number) => void
  /** Told of every batch that was committed. */
  readonly onBatch?: (batch: BatchReport) => void
  /** Told of every batch that was not committed, and why, as the database or the encoding of an entry says it. */
  readonly onRefused?: (reason: unknown) => void
  /** Told of what these two and listeners throw: it harms nobody else, and is a mistake of theirs. */
  readonly onError?: (error: unknown) => void
}

/**
 * Brings the schema up to date and opens the log, making it if it does not exist. Throws `foreign_key` when the database
 * holds a log of that name under another key, and `inconsistent` when it holds another history than was signed, an older one, or none.
 */
export async function openLog(options: LogOptions): Promise<Log> {
  const { pool, name, signedHeads, now = Date.now } = options
  await migrateLogs(pool)
  const kept = await signedHeads?.read()
  if (kept !== undefined) assertSameLog(kept, name, await findLog(pool, name))
  const log = await findOrCreateLog(pool, options)
  if (!log.logId.equals(options.logId)) {
    throw new LogError(
      'foreign_key',
      `the log ${name} in this database belongs to key ${log.logId.toString('hex')}, not to ${Buffer.from(options.logId).toString('hex')}: give the key it was made with, or another database`,
    )
  }

  const tiles = createTiles(pool, log.logNo, options.tileCacheLimit ?? 2048)
  const { onClock = () => {} } = options
  const sequencer = createSequencer({ pool, logNo: log.logNo, tiles, now, kept, onClock })
  // At the start, not with the first writer.
  if (kept !== undefined) await sequencer.assertExtends(await readHead(pool, log.logNo))
  const reader = createTreeReader({
    log,
    pool,
    readers: options.readers ?? pool,
    tiles,
    sequencer,
    now,
    entryCacheBytes: options.entryCacheBytes ?? 16 * 1024 * 1024,
  })
  const { signCheckpoint, cosigning, onError = () => {} } = options
  const publisher = createPublisher({ reader, signCheckpoint, signedHeads, cosigning })
  const republishing =
    cosigning && setInterval(() => void publisher.republish().catch(onError), cosigning.republishMs)
  republishing?.unref()
  const writer = createWriter({
    sequencer,
    publisher,
    reader,
    queueLimit: options.queueLimit ?? 10_000,
    batchLimit: options.batchLimit ?? 512,
    onBatch: options.onBatch,
    onRefused: options.onRefused,
    onError,
  })

  return {
    ...reader,
    checkpoint: publisher.newest,
    checkpointCovering: publisher.covering,
    isRecent: (treeSize) => reader.recentHead(0n)?.size === treeSize,
    append: writer.append,
    place: writer.place,
    queueDepth: writer.queueDepth,
    onAppended: writer.onAppended,
    close: async () => {
      clearInterval(republishing)
      await writer.close()
      await signedHeads?.close()
    },
  }
}

/** Before a log is made, too: one that was signed and is gone must not begin again under its key. */
function assertSameLog(kept: KeptHead, name: string, row: LogRow | undefined): void {
  if (row?.origin === kept.origin) return
  const shown = row === undefined ? `no log ${name}` : `the log ${row.origin}`
  throw new LogError(
    'inconsistent',
    `${kept.where} shows that a tree of ${counted(kept.size, 'entry', 'entries')} of ${kept.origin} was signed with this key, and the database holds ${shown}: give the database of that log, or a new key for a new log (docs/operations/log-operations.md, "Restore")`,
  )
}
