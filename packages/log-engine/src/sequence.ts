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
} from '@sigstack/merkle'
import { inTransaction, type Pool, PostgresError, type Queryable } from '@sigstack/postgres'
import { LogError } from './errors.ts'
import type { EntryDraft } from './log.ts'
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
import { writeBatch } from './write.ts'

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
  /** The tree of the last batch of this process. */
  let known: Tree | undefined
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
    if (known !== undefined && known.size === head.size) {
      assertSameRoot(head.size, known.rootHash, head.rootHash)
      return known
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

  async function attempt(
    drafts: readonly EntryDraft[],
    unsure: ReadonlySet<string>,
    numbered: string[],
  ): Promise<Sequenced & { tilesToKeep: readonly ChangedTile[] }> {
    // 3. Begin. A crash before the commit in step 8 leaves nothing behind.
    const turn = async (tx: Queryable) => {
      numbered.length = 0
      // 4. Take the log's row: replicas take turns, for the length of this batch only.
      const head = await lockHead(tx, logNo)
      assertWritable(head)
      const tree = await treeAt(tx, head)
      // 5. Find the entries that are in the log already.
      const earlier = new Map<string, StoredEntry>()
      for (const entry of await findByIdentities(
        tx,
        logNo,
        drafts.map((draft) => draft.identity),
      )) {
        earlier.set(hexOf(entry.identity), entry)
      }
      // 6. Number the rest. Their bytes are made only now: a CT leaf holds its time, which never goes backwards.
      const sequencedAtMs = Math.max(timeOf(head), head.lastSequencedAtMs)
      const fresh: StoredEntry[] = []
      const placed = drafts.map((draft) => {
        const key = hexOf(draft.identity)
        const found = earlier.get(key)
        if (found !== undefined) return { entry: found, duplicate: !unsure.has(key) }
        const entry = encode(draft, { leafIndex: head.size + BigInt(fresh.length), sequencedAtMs })
        fresh.push(entry)
        numbered.push(key)
        earlier.set(key, entry)
        return { entry, duplicate: false }
      })
      if (fresh.length === 0) return { tree, placed, tilesToKeep: [] }
      // 7. Grow the tree, and write entries, tiles and tree head together.
      const grown = growTree(
        tree,
        fresh.map((entry) => entry.leafHash),
      )
      await writeBatch(tx, logNo, { entries: fresh, tiles: grown.changedTiles, head: grown.tree })
      return {
        tree: grown.tree,
        placed,
        tilesToKeep: grown.changedTiles.filter(({ width }) => width === 256),
      }
      // 8. Commit. A crash right after it loses no entry: whoever asks again finds it, as a duplicate.
    }
    return inTransaction(pool, turn, { repeatable: true })
  }

  return {
    assertExtends,
    largest: () => largest,
    sequence: async (drafts, unsure) => {
      const numbered: string[] = []
      const { tree, placed, tilesToKeep } = await attempt(drafts, unsure, numbered).catch(
        (error: unknown) => {
          if (error instanceof PostgresError && error.code === 'commit_outcome_unknown') {
            for (const key of numbered) unsure.add(key)
          }
          throw error
        },
      )
      for (const { level, index, tile } of tilesToKeep) tiles.keep(level, index, tile)
      known = tree
      vouchFor(tree)
      tiles.useTree(tree)
      return { tree, placed }
    },
  }
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

function encode(draft: EntryDraft, place: { leafIndex: bigint; sequencedAtMs: number }): StoredEntry {
  const { leaf, extra } = draft.encode(place)
  const hash = leafHash(leaf)
  return { ...place, leafHash: hash, identity: draft.identity, leaf, extra }
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
