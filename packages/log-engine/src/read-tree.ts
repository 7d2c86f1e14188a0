/** What a log tells of its tree and its entries: from memory where it can, else from the database, and never beyond what it vouches for. */
import { counted } from '@sigstack/crypto'
import {
  type InclusionProof,
  proveConsistency,
  proveInclusion,
  type TreeHead,
  tileHashes,
  tilesForConsistency,
  tilesForInclusions,
  widthOfTile,
} from '@sigstack/merkle'
import type { Pool } from '@sigstack/postgres'
import { createEntryCache } from './entry-cache.ts'
import { LogError } from './errors.ts'
import type { LogEntry, LogReader } from './log.ts'
import { orUnavailable } from './or-unavailable.ts'
import { readLeaves } from './read-page.ts'
import type { Sequencer } from './sequence.ts'
import {
  findByIdentities,
  findByLeafHash,
  type LogRow,
  readEntries,
  readEntriesAt,
  readHead,
} from './store.ts'
import type { Tiles } from './tiles.ts'

/** A reader before anything is published: its heads are unsigned. */
export type TreeReader = Omit<LogReader, 'checkpoint' | 'checkpointCovering' | 'isRecent' | 'onAppended'> & {
  /** A head with that entry that was the newest within the last second; the same one for that second, where it can be. */
  recentHead(leafIndex: bigint): TreeHead | undefined
  /** The last head there will be, once the database has told that the log is frozen and when. */
  frozenHead(): FrozenHead | undefined
  /** As `proveInclusion`, for leaves of a tree that was just written here; with the connections of writers. */
  proveInWritten(leafIndexes: readonly bigint[], treeSize: bigint): Promise<readonly InclusionProof[]>
}

export type FrozenHead = {
  readonly size: bigint
  /** Milliseconds since the epoch. */
  readonly atMs: number
}

export type TreeReaderOptions = {
  readonly log: LogRow
  readonly pool: Pool
  /** For what readers ask of the tree and of ranges of entries. */
  readonly readers: Pool
  readonly tiles: Tiles
  readonly sequencer: Sequencer
  readonly now: () => number
  readonly entryCacheBytes: number
}

/** PostgreSQL's bigint ends here. */
const largestIndex = 2n ** 63n - 1n
/** Between two looks at the head for readers who only need one that covers their entry. */
const recentMs = 1_000

export function createTreeReader(options: TreeReaderOptions): TreeReader {
  const { log, pool, readers, tiles, sequencer, now } = options
  const { logNo, logId, origin } = log
  const entryCache = createEntryCache(options.entryCacheBytes)
  /** What the database last told, and when. */
  let told: { readonly head: TreeHead; readonly atMs: number } | undefined
  let frozen: FrozenHead | undefined

  /** The newest tree head, which extends everything that this process has vouched for. */
  async function committedHead(): Promise<TreeHead> {
    const before = sequencer.largest()
    const asked = now()
    const head = await orUnavailable(readHead(pool, logNo))
    const largest = sequencer.largest()
    // A batch of this process may have overtaken the reader; but a head older than what was known before is a loss.
    if (largest !== undefined && head.size < largest.size && largest !== before) return largest
    await orUnavailable(sequencer.assertExtends(head))
    if (head.frozenAtMs !== undefined) frozen = { size: head.size, atMs: head.frozenAtMs }
    const newest = newerOf(head, sequencer.largest())
    told = { head: newest, atMs: asked }
    return newest
  }

  async function readOne(read: () => Promise<LogEntry | undefined>): Promise<LogEntry | undefined> {
    const entry = await orUnavailable(read())
    return entry && entryCache.keep(entry)
  }

  async function proveIn(
    leafIndexes: readonly bigint[],
    treeSize: bigint,
    db: Pool,
  ): Promise<readonly InclusionProof[]> {
    const source = await tiles.load(tilesForInclusions(leafIndexes, treeSize), treeSize, db)
    return leafIndexes.map((leafIndex) => proveInclusion(leafIndex, treeSize, source))
  }

  async function read(start: bigint, count: number, db: Pool): Promise<readonly LogEntry[]> {
    const end = start + BigInt(count)
    return start < 0n || end > largestIndex ? [] : orUnavailable(readEntries(db, logNo, start, end))
  }

  function isKnownToReach(size: bigint): boolean {
    return size <= (sequencer.largest()?.size ?? -1n)
  }

  /** Refuses sizes beyond the log. */
  async function assertReaches(treeSize: bigint): Promise<void> {
    if (isKnownToReach(treeSize)) return
    const { size } = await committedHead()
    if (treeSize > size)
      throw new LogError('not_found', `the log has ${counted(size, 'entry', 'entries')}, not ${treeSize}`)
  }

  return {
    logId,
    origin,
    treeHead: committedHead,
    recentHead: (leafIndex) => {
      if (told === undefined) return undefined
      const ageMs = now() - told.atMs
      // A clock that was set back does not make it last.
      if (ageMs < 0 || ageMs >= recentMs) return undefined
      // One for all who ask within that second: what is made of it is made once, however fast the log grows.
      const head = leafIndex < told.head.size ? told.head : sequencer.largest()
      return head !== undefined && leafIndex < head.size ? head : undefined
    },
    frozenHead: () => frozen,
    readEntry: async (leafIndex) =>
      entryCache.byIndex(leafIndex) ?? readOne(async () => (await read(leafIndex, 1, pool))[0]),
    readEntries: (start, count) => read(start, count, readers),
    readEntriesAt: async (leafIndexes) => {
      const found = new Map(leafIndexes.map((index) => [index, entryCache.byIndex(index)]))
      const missing = [...found.keys()].filter((index) => found.get(index) === undefined)
      const read = missing.length === 0 ? [] : await orUnavailable(readEntriesAt(readers, logNo, missing))
      for (const entry of read) found.set(entry.leafIndex, entryCache.keep(entry))
      return leafIndexes.map((index) => found.get(index))
    },
    readLeaves: async (start, count) => {
      const end = start + BigInt(count)
      return start < 0n || end > largestIndex ? [] : orUnavailable(readLeaves(readers, logNo, start, end))
    },
    reaches: async (size) => isKnownToReach(size) || size <= (await committedHead()).size,
    findByIdentity: async (identity) => (await orUnavailable(findByIdentities(pool, logNo, [identity])))[0],
    findByLeafHash: async (hash) =>
      entryCache.byLeafHash(hash) ?? readOne(() => findByLeafHash(pool, logNo, hash)),
    proveInWritten: (leafIndexes, treeSize) => proveIn(leafIndexes, treeSize, pool),
    proveInclusion: async (leafIndex, treeSize) => {
      if (leafIndex < 0n || leafIndex >= treeSize) {
        throw new LogError('not_found', `there is no leaf ${leafIndex} in a tree of ${treeSize}`)
      }
      await assertReaches(treeSize)
      const [proof] = await orUnavailable(proveIn([leafIndex], treeSize, readers))
      return proof as InclusionProof
    },
    proveConsistency: async (oldSize, newSize) => {
      if (oldSize < 0n || oldSize > newSize) {
        throw new LogError('not_found', `a tree of ${newSize} does not extend one of ${oldSize}`)
      }
      await assertReaches(newSize)
      const source = await orUnavailable(tiles.load(tilesForConsistency(oldSize, newSize), newSize, readers))
      return proveConsistency(oldSize, newSize, source)
    },
    readTile: async (level, index, width) => {
      const known = sequencer.largest()
      const isKnown = known !== undefined && widthOfTile(level, index, known.size) >= width
      const { size } = isKnown ? known : await committedHead()
      if (widthOfTile(level, index, size) < width) return undefined
      const source = await orUnavailable(tiles.load([{ level, index }], size, readers))
      return tileHashes(source(level, index), width)
    },
  }
}

/** A head that was overtaken while it was looked at is not signed any more. */
function newerOf(head: TreeHead, largest: TreeHead | undefined): TreeHead {
  const { size, rootHash } = largest !== undefined && largest.size > head.size ? largest : head
  return { size, rootHash }
}
