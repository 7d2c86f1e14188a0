/** Opens a log: one origin, one key, one row in the database, and any number of processes that write to it. */
import {
  type InclusionProof,
  proveConsistency,
  proveInclusion,
  type TreeHead,
  tileHashes,
  tilesForConsistency,
  tilesForInclusion,
  verifyInclusion,
  widthOfTile,
} from '@sigstack/merkle'
import { type Pool, PostgresError } from '@sigstack/postgres'
import { createEntryCache } from './entry-cache.ts'
import { LogError } from './errors.ts'
import type { Appended, EntryDraft, Log, LogEntry, SignedCheckpoint } from './log.ts'
import { asLogError, orUnavailable } from './or-unavailable.ts'
import { createQueue } from './queue.ts'
import { createSequencer, type Sequenced } from './sequence.ts'
import { migrateLogs } from './series.ts'
import { findByIdentities, findByLeafHash, findOrCreateLog, readEntries, readHead } from './store.ts'
import { createTiles } from './tiles.ts'

export type LogOptions = {
  readonly pool: Pool
  /** Which log of this database; a deployment may keep several. */
  readonly name: string
  /** SHA-256 of the log key's SubjectPublicKeyInfo. */
  readonly logId: Uint8Array
  /** The origin of a log that does not exist yet; one that does keeps its own. */
  readonly newOrigin: () => string
  /**
   * Signs a tree head as the dialect wants it. May be slow, since it is never called inside a transaction, and may fail; but whoever
   * waits for it waits until it settles.
   */
  readonly signCheckpoint: (treeHead: TreeHead, origin: string) => Promise<string>
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
  /** Told of every batch that was committed. */
  readonly onBatch?: (batch: BatchReport) => void
}

export type BatchReport = {
  readonly entries: number
  readonly duplicates: number
  readonly durationMs: number
}

type Waiting = {
  readonly draft: EntryDraft
  resolve(appended: Appended): void
  reject(error: unknown): void
}

const batchBytes = 8 * 1024 * 1024
/** Of an entry whose face does not say. */
const usualBytes = 2048
/** PostgreSQL's bigint ends here. */
const largestIndex = 2n ** 63n - 1n
const commitAttempts = 3
/** Between two looks at the head for readers who only need one that covers their entry. */
const recentMs = 1_000

/**
 * Brings the schema up to date and opens the log, making it if it does not exist. Throws `foreign_key` when the database
 * holds a log of that name under another key.
 */
export async function openLog(options: LogOptions): Promise<Log> {
  const { pool, name, signCheckpoint, now = Date.now, queueLimit = 10_000 } = options
  await migrateLogs(pool)
  const { logNo, logId, origin } = await findOrCreateLog(pool, options)
  if (!logId.equals(options.logId)) {
    throw new LogError(
      'foreign_key',
      `the log ${name} in this database belongs to key ${logId.toString('hex')}, not to ${Buffer.from(options.logId).toString('hex')}: give the key it was made with, or another database`,
    )
  }

  const tiles = createTiles(pool, logNo, options.tileCacheLimit ?? 2048)
  const entryCache = createEntryCache(options.entryCacheBytes ?? 16 * 1024 * 1024)
  const sequencer = createSequencer({ pool, logNo, tiles, now })
  const listeners: ((treeSize: bigint) => void)[] = []
  let unanswered = 0
  /** When the database last told how large the log is. */
  let headKnownAt = Number.NEGATIVE_INFINITY
  let lastCheckpoint: { readonly size: bigint; readonly signed: Promise<SignedCheckpoint> } | undefined

  // 1. An append joins the queue and waits for the batch it will be part of.
  const queue = createQueue<Waiting>({
    batchItems: options.batchLimit ?? 512,
    batchBytes,
    sizeOf: ({ draft }) => draft.sizeBytes ?? usualBytes,
    run: runBatch,
  })

  async function append(draft: EntryDraft): Promise<Appended> {
    if (unanswered >= queueLimit) {
      throw new LogError('queue_full', `${unanswered} entries are waiting to be logged; try again shortly`)
    }
    unanswered++
    try {
      return await new Promise<Appended>((resolve, reject) => {
        queue.push({ draft, resolve, reject })
      })
    } finally {
      unanswered--
    }
  }

  // 2. The batch starts the moment the one before it has committed.
  async function runBatch(batch: readonly Waiting[]): Promise<void> {
    const start = performance.now()
    let sequenced: Sequenced
    try {
      sequenced = await sequenceDurably(batch.map(({ draft }) => draft))
    } catch (error) {
      const reason = asLogError(error)
      for (const waiting of batch) waiting.reject(reason)
      return
    }
    const duplicates = sequenced.placed.filter((placed) => placed.duplicate).length
    options.onBatch?.({
      entries: batch.length - duplicates,
      duplicates,
      durationMs: performance.now() - start,
    })
    for (const listener of listeners) listener(sequenced.tree.size)
    // Not awaited: the next batch may write while this one is signed and answered.
    void answer(batch, sequenced)
  }

  /** A connection lost during COMMIT: the next attempt reads the tree head first, and finds what was committed. */
  async function sequenceDurably(drafts: readonly EntryDraft[]): Promise<Sequenced> {
    const unsure = new Set<string>()
    for (let attempt = 1; ; attempt++) {
      try {
        return await sequencer.sequence(drafts, unsure)
      } catch (error) {
        const unknown = error instanceof PostgresError && error.code === 'commit_outcome_unknown'
        if (!unknown || attempt === commitAttempts) throw error
      }
    }
  }

  // 9. After the commit, and only then: sign the checkpoint, prove each entry, check the proof, answer.
  async function answer(batch: readonly Waiting[], { tree, placed }: Sequenced): Promise<void> {
    try {
      const checkpoint = await checkpointOf(tree)
      for (const [at, waiting] of batch.entries()) {
        const { entry, duplicate } = placed[at] as Sequenced['placed'][number]
        const inclusionProof = await proveIn(entry.leafIndex, tree.size)
        verifyInclusion(inclusionProof, entry.leafHash, tree.rootHash)
        waiting.resolve({ entry, duplicate, checkpoint, inclusionProof })
      }
    } catch (error) {
      // The entries are durable: a second try finds them. Promises settled above stay as they are.
      const reason = asLogError(error)
      for (const waiting of batch) waiting.reject(reason)
    }
  }

  function checkpointOf(treeHead: TreeHead): Promise<SignedCheckpoint> {
    const { size, rootHash } = treeHead
    if (lastCheckpoint?.size === size) return lastCheckpoint.signed
    const signed = signCheckpoint({ size, rootHash }, origin).then(
      (note) => ({ treeHead: { size, rootHash }, note }),
      (cause: unknown) => {
        throw new LogError('unavailable', 'the checkpoint could not be signed; try again', { cause })
      },
    )
    const mine = { size, signed }
    lastCheckpoint = mine
    // A failed signature must not be remembered.
    signed.catch(() => {
      if (lastCheckpoint === mine) lastCheckpoint = undefined
    })
    return signed
  }

  /** The newest tree head, which extends everything that this process has vouched for. */
  async function committedHead(): Promise<TreeHead> {
    const before = sequencer.largest()
    const asked = now()
    const head = await orUnavailable(readHead(pool, logNo))
    const largest = sequencer.largest()
    // A batch of this process may have overtaken the reader; but a head older than what was known before is a loss.
    if (largest !== undefined && head.size < largest.size && largest !== before) return largest
    await orUnavailable(sequencer.assertExtends(head))
    headKnownAt = asked
    return { size: head.size, rootHash: head.rootHash }
  }

  /** The largest head known here, if it was the newest a moment ago. A clock that was set back does not make it last. */
  function recentHead(): TreeHead | undefined {
    const ageMs = now() - headKnownAt
    return ageMs >= 0 && ageMs < recentMs ? sequencer.largest() : undefined
  }

  async function readOne(read: () => Promise<LogEntry | undefined>): Promise<LogEntry | undefined> {
    const entry = await orUnavailable(read())
    return entry && entryCache.keep(entry)
  }

  async function proveIn(leafIndex: bigint, treeSize: bigint): Promise<InclusionProof> {
    const source = await tiles.load(tilesForInclusion(leafIndex, treeSize), treeSize)
    return proveInclusion(leafIndex, treeSize, source)
  }

  async function read(start: bigint, count: number): Promise<readonly LogEntry[]> {
    const end = start + BigInt(count)
    return start < 0n || end > largestIndex ? [] : orUnavailable(readEntries(pool, logNo, start, end))
  }

  /** Refuses sizes beyond the log. The database is asked only where memory cannot tell. */
  async function assertReaches(treeSize: bigint): Promise<void> {
    if (treeSize <= (sequencer.largest()?.size ?? -1n)) return
    const { size } = await committedHead()
    if (treeSize > size) throw new LogError('not_found', `the log has ${size} entries, not ${treeSize}`)
  }

  return {
    logId,
    origin,
    append,
    treeHead: committedHead,
    checkpoint: async () => checkpointOf(await committedHead()),
    checkpointCovering: async (leafIndex) => {
      const recent = recentHead()
      return checkpointOf(recent !== undefined && leafIndex < recent.size ? recent : await committedHead())
    },
    readEntry: async (leafIndex) =>
      entryCache.byIndex(leafIndex) ?? readOne(async () => (await read(leafIndex, 1))[0]),
    readEntries: read,
    findByIdentity: async (identity) => (await orUnavailable(findByIdentities(pool, logNo, [identity])))[0],
    findByLeafHash: async (hash) =>
      entryCache.byLeafHash(hash) ?? readOne(() => findByLeafHash(pool, logNo, hash)),
    proveInclusion: async (leafIndex, treeSize) => {
      if (leafIndex < 0n || leafIndex >= treeSize) {
        throw new LogError('not_found', `there is no leaf ${leafIndex} in a tree of ${treeSize}`)
      }
      await assertReaches(treeSize)
      return orUnavailable(proveIn(leafIndex, treeSize))
    },
    proveConsistency: async (oldSize, newSize) => {
      if (oldSize < 0n || oldSize > newSize) {
        throw new LogError('not_found', `a tree of ${newSize} does not extend one of ${oldSize}`)
      }
      await assertReaches(newSize)
      const source = await orUnavailable(tiles.load(tilesForConsistency(oldSize, newSize), newSize))
      return proveConsistency(oldSize, newSize, source)
    },
    readTile: async (level, index, width) => {
      const known = sequencer.largest()
      const isKnown = known !== undefined && widthOfTile(level, index, known.size) >= width
      const { size } = isKnown ? known : await committedHead()
      if (widthOfTile(level, index, size) < width) return undefined
      const source = await orUnavailable(tiles.load([{ level, index }], size))
      return tileHashes(source(level, index), width)
    },
    onAppended: (listener) => {
      listeners.push(listener)
    },
    queueDepth: queue.depth,
    close: queue.close,
  }
}
