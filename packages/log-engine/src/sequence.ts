/**
 * The append transaction. The numbers are those of docs/life-of-an-entry.md.
 */
import { counted } from '@sigstack/crypto'
import {
  type ChangedTile,
  emptyTree,
  growTree,
  type Hash,
  leafHash,
  type Tree,
  type TreeHead,
  tileWidth,
} from '@sigstack/merkle'
import { inTransaction, type Pool, PostgresError, type Queryable, wasNeverSent } from '@sigstack/postgres'
import { LogError } from './errors.ts'
import type { EntryDraft, Place } from './log.ts'
import type { KeptHead } from './signed-heads.ts'
import {
  type CommittedHead,
  findByIdentities,
  hexOf,
  type LockedHead,
  type LogNo,
  lockHead,
  type StoredEntry,
} from './store.ts'
import type { Tiles } from './tiles.ts'
import { writeBatch, writeBatchAtOnce } from './write.ts'

/** What became of a batch: `placed` in the order of the drafts. */
export type Sequenced = {
  readonly tree: Tree
  readonly placed: readonly { readonly entry: StoredEntry; readonly duplicate: boolean }[]
}

export type Sequencer = {
  /**
   * Gives each draft its leaf index, in order and without gaps; durable and integrated when it resolves. After a
   * `commit_outcome_unknown` call it again with the same `unsure` set: it tells what this process may itself have
   * written from what was there before.
   */
  sequence(drafts: readonly EntryDraft[], unsure: Set<string>): Promise<Sequenced>
  /**
   * Throws `inconsistent` unless a tree head read from the database is that of the tree there, and extends the largest one
   * that is known to have been vouched for; then makes it the largest. Whoever signs a head calls this first.
   */
  assertExtends(head: TreeHead): Promise<void>
  /** The largest tree head that this process has vouched for. */
  largest(): TreeHead | undefined
}

type Attempt = Sequenced & {
  readonly changedTiles: readonly ChangedTile[]
  readonly lastSequencedAtMs: number
}

/** A batch by turns costs some milliseconds more, one that is tried in vain one. */
const mostInTurns = 16
/** Clocks that are kept by the usual means differ by less. */
const clockToleranceMs = 10_000

export function createSequencer(options: {
  readonly pool: Pool
  readonly logNo: LogNo
  readonly tiles: Tiles
  readonly now: () => number
  /** What was signed before this process, as far as is known. */
  readonly kept: KeptHead | undefined
  readonly onClock: (aheadMs: number) => void
}): Sequencer {
  const { pool, logNo, tiles, now, kept, onClock } = options
  let isClockAhead = false
  /** The head of the last batch of this process, whole. */
  let known: { readonly tree: Tree; readonly lastSequencedAtMs: number } | undefined
  /** So many batches take their turn first, since others write too or entries come again; as many more the next time. */
  let inTurns = { left: 0, next: 1 }
  let largest: TreeHead | undefined

  /** A machine whose clock runs ahead must not push the log's time ahead, where it would stay; the database's clock is everybody's. */
  function timeOf({ clockMs }: LockedHead): number {
    const machineMs = now()
    const isAhead = machineMs > clockMs + clockToleranceMs
    if (isAhead !== isClockAhead) onClock(isAhead ? machineMs - clockMs : 0)
    isClockAhead = isAhead
    return isAhead ? clockMs : machineMs
  }

  /** The tree to grow. Remembered from the last batch unless another replica has written since. */
  async function treeAt(db: Queryable, head: CommittedHead): Promise<Tree> {
    if (known !== undefined && known.tree.size === head.size) {
      assertSameRoot(head.size, known.tree.rootHash, head.rootHash)
      return known.tree
    }
    const tree = await loadChecked(db, head)
    await assertExtends(head, db, tree)
    return tree
  }

  /** @param tree Of that head, where it has been loaded from the database, and its root compared, already. */
  async function assertExtends(head: TreeHead, db: Queryable = pool, tree?: Tree): Promise<void> {
    const { size, rootHash } = largest ?? kept ?? emptyTree
    if (head.size < size) {
      const where = largest === undefined ? ` (${kept?.where})` : ''
      throw new LogError(
        'inconsistent',
        `the database shows ${counted(head.size, 'entry', 'entries')} where ${size} were signed${where}: was an old backup restored? ${remedy}`,
      )
    }
    if (size > 0n && size === head.size) assertSameRoot(size, head.rootHash, rootHash)
    if (largest === undefined || size < head.size) {
      const { edge } = tree ?? (await loadChecked(db, head))
      if (size > 0n && size < head.size)
        assertSameRoot(size, await tiles.rootInDatabase(db, size, { size: head.size, edge }), rootHash)
    }
    vouchFor(head)
  }

  /** What is stored beside the tree is not believed: its root is computed. */
  async function loadChecked(db: Queryable, { size, rootHash }: TreeHead): Promise<Tree> {
    const tree = await tiles.loadTree(db, size)
    assertSameRoot(size, rootHash, tree.rootHash)
    return tree
  }

  /** Heads are vouched for by readers and by the writer, whose order nobody decides. */
  function vouchFor({ size, rootHash }: TreeHead): void {
    if (size === largest?.size) assertSameRoot(size, rootHash, largest.rootHash)
    if (largest === undefined || size > largest.size) largest = { size, rootHash }
  }

  /** 3 to 8 by turns. */
  async function inTurn(
    drafts: readonly EntryDraft[],
    unsure: ReadonlySet<string>,
    numbered: string[],
  ): Promise<Attempt> {
    // 3. Begin. A crash before the commit in step 8 leaves nothing behind.
    const turn = async (tx: Queryable): Promise<Attempt> => {
      // 4. Take the log's row: replicas take turns, for the length of this batch only.
      const head = await lockHead(tx, logNo)
      assertWritable(head)
      const tree = await treeAt(tx, head)
      // 5. Find the entries that are in the log already.
      const identities = drafts.map((draft) => draft.identity)
      const earlier = await findByIdentities(tx, logNo, identities)
      // 6. Number the rest. Their bytes are made only now: a CT leaf holds its time, which never goes backwards.
      const sequencedAtMs = Math.max(timeOf(head), head.lastSequencedAtMs)
      const place = { leafIndex: head.size, sequencedAtMs }
      const { placed, fresh } = number(drafts, earlier, unsure, place, numbered)
      if (fresh.length === 0)
        return { tree, placed, changedTiles: [], lastSequencedAtMs: head.lastSequencedAtMs }
      // 7. Grow the tree, and write entries, tiles and tree head together.
      const grown = grow(tree, fresh)
      await writeBatch(tx, logNo, { entries: fresh, tiles: grown.changedTiles, head: grown.tree })
      return { ...grown, placed, lastSequencedAtMs: sequencedAtMs }
      // 8. Commit. A crash right after it loses no entry: whoever asks again finds it, as a duplicate.
    }
    return inTransaction(pool, turn, { repeatable: true })
  }

  /**
   * The same in one statement, for what is usual: the head is the one that this process made last, and no entry comes again. `undefined`
   * when it is not so, and nothing was done.
   */
  async function atOnce(drafts: readonly EntryDraft[], numbered: string[]): Promise<Attempt | undefined> {
    if (known === undefined || isClockAhead || pool.isShared?.() === true) return undefined
    if (inTurns.left > 0) {
      inTurns.left--
      return undefined
    }
    const { tree } = known
    const sequencedAtMs = Math.max(now(), known.lastSequencedAtMs)
    const place = { leafIndex: tree.size, sequencedAtMs }
    const { placed, fresh } = number(drafts, [], new Set(), place, numbered)
    const grown = grow(tree, fresh)
    const batch = { entries: fresh, tiles: grown.changedTiles, head: grown.tree }
    const isWritten = await writeBatchAtOnce(pool, logNo, batch, {
      rootHash: tree.rootHash,
      clockToleranceMs,
    }).catch(unlessUndone)
    if (!isWritten) {
      inTurns = { left: inTurns.next, next: Math.min(inTurns.next * 2, mostInTurns) }
      return undefined
    }
    inTurns = { left: 0, next: 1 }
    return { ...grown, placed, lastSequencedAtMs: sequencedAtMs }
  }

  async function attempt(
    drafts: readonly EntryDraft[],
    unsure: ReadonlySet<string>,
    numbered: string[],
  ): Promise<Attempt> {
    // What this process may have written is looked for first.
    const done = unsure.size === 0 ? await atOnce(drafts, numbered) : undefined
    return done ?? inTurn(drafts, unsure, numbered)
  }

  return {
    assertExtends,
    largest: () => largest,
    sequence: async (drafts, unsure) => {
      const numbered: string[] = []
      const { tree, placed, changedTiles, lastSequencedAtMs } = await attempt(drafts, unsure, numbered).catch(
        (error: unknown) => {
          if (error instanceof PostgresError && error.code === 'commit_outcome_unknown') {
            for (const key of numbered) unsure.add(key)
          }
          throw error
        },
      )
      for (const { level, index, tile, width } of changedTiles)
        if (width === tileWidth) tiles.keep(level, index, tile)
      known = { tree, lastSequencedAtMs }
      vouchFor(tree)
      tiles.useTree(tree)
      return { tree, placed }
    },
  }
}

/**
 * Gives each draft its entry: of those that are there `earlier`, or one of its own from `first` on. `numbered` gets the keys of these.
 */
function number(
  drafts: readonly EntryDraft[],
  earlier: readonly StoredEntry[],
  unsure: ReadonlySet<string>,
  first: Place,
  numbered: string[],
): { readonly placed: Sequenced['placed']; readonly fresh: readonly StoredEntry[] } {
  numbered.length = 0
  const known = new Map(earlier.map((entry) => [hexOf(entry.identity), entry]))
  const fresh: StoredEntry[] = []
  const placed = drafts.map((draft) => {
    const key = hexOf(draft.identity)
    const found = known.get(key)
    if (found !== undefined) return { entry: found, duplicate: !unsure.has(key) }
    const entry = encode(draft, { ...first, leafIndex: first.leafIndex + BigInt(fresh.length) })
    fresh.push(entry)
    numbered.push(key)
    known.set(key, entry)
    return { entry, duplicate: false }
  })
  return { placed, fresh }
}

function grow(tree: Tree, fresh: readonly StoredEntry[]): ReturnType<typeof growTree> {
  return growTree(
    tree,
    fresh.map((entry) => entry.leafHash),
  )
}

/** False where the server says that it has undone the statement; one whose answer is not heard may have been a commit. */
function unlessUndone(error: unknown): false {
  if (!(error instanceof PostgresError)) throw error
  if (error.code === 'try_again') return false
  if (error.code !== 'connection_lost' || wasNeverSent(error.cause)) throw error
  throw new PostgresError(
    'commit_outcome_unknown',
    'the connection to the database was lost while a batch was written, which may or may not have happened',
    { cause: error },
  )
}

/** Read under the row's lock: what this turn writes is written before the log is frozen or not at all. */
function assertWritable({ isFrozen, mode, modeReason }: LockedHead): void {
  if (isFrozen) {
    throw new LogError('frozen', 'this shard has its last entry; the next one takes what comes')
  }
  if (mode === 'read-only') {
    throw new LogError('read_only', modeReason ?? 'the log takes no new entries; what it holds can be read')
  }
  if (mode === 'maintenance') {
    throw new LogError(
      'maintenance',
      modeReason ?? 'the log takes no new entries for the moment; try again later',
    )
  }
}

function encode(draft: EntryDraft, place: Place): StoredEntry {
  const { leaf, leafHash: known, extra } = draft.encode(place)
  return { ...place, leafHash: known ?? leafHash(leaf), identity: draft.identity, leaf, extra }
}

const remedy =
  'Bring back the newest state of this log, or retire it: docs/operations/log-operations.md, "Restore"'

function assertSameRoot(size: bigint, a: Hash, b: Hash): void {
  if (Buffer.compare(a, b) !== 0) {
    throw new LogError(
      'inconsistent',
      `two different trees of ${counted(size, 'entry', 'entries')}: this log must not be signed any more until it is known why. ${remedy}`,
    )
  }
}
