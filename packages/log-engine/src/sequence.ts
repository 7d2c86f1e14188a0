/**
 * The append transaction. The numbers are those of docs/life-of-an-entry.md.
 */
import { type ChangedTile, growTree, type Hash, leafHash, type Tree, type TreeHead } from '@sigstack/merkle'
import { inTransaction, type Pool, PostgresError, type Queryable } from '@sigstack/postgres'
import { LogError } from './errors.ts'
import type { EntryDraft } from './log.ts'
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
   * Throws `inconsistent` unless a tree head read from the database extends the largest one that this process has
   * vouched for, and makes it the largest. Whoever signs a head calls this first.
   */
  assertExtends(head: TreeHead): Promise<void>
  /** The largest tree head that this process has vouched for. */
  largest(): TreeHead | undefined
}

export function createSequencer(options: {
  readonly pool: Pool
  readonly logNo: LogNo
  readonly tiles: Tiles
  readonly now: () => number
}): Sequencer {
  const { pool, logNo, tiles, now } = options
  /** The tree of the last batch of this process. */
  let known: Tree | undefined
  let largest: TreeHead | undefined

  /** The tree to grow. Remembered from the last batch unless another replica has written since. */
  async function treeAt(db: Queryable, head: CommittedHead): Promise<Tree> {
    if (known !== undefined && known.size === head.size) {
      assertSameRoot(head.size, known.rootHash, head.rootHash)
      return known
    }
    const tree = await tiles.loadTree(db, head.size)
    assertSameRoot(head.size, tree.rootHash, head.rootHash)
    await assertExtends(tree, db)
    return tree
  }

  async function assertExtends(
    head: TreeHead & { readonly edge?: Tree['edge'] },
    db: Queryable = pool,
  ): Promise<void> {
    if (largest !== undefined && largest.size > 0n) {
      const { size, rootHash } = largest
      if (head.size < size) {
        throw new LogError(
          'inconsistent',
          `the database shows ${head.size} entries where ${size} were signed: was an old backup restored?`,
        )
      }
      const root = size === head.size ? head.rootHash : await tiles.rootInDatabase(db, size, head)
      assertSameRoot(size, root, rootHash)
    }
    vouchFor(head)
  }

  /** Heads are vouched for by readers and by the writer, whose order nobody decides. */
  function vouchFor({ size, rootHash }: TreeHead): void {
    if (largest === undefined || size > largest.size) largest = { size, rootHash }
  }

  async function attempt(
    drafts: readonly EntryDraft[],
    unsure: ReadonlySet<string>,
    numbered: string[],
  ): Promise<Sequenced & { tilesToKeep: readonly ChangedTile[] }> {
    // 3. Begin. A crash before the commit in step 8 leaves nothing behind.
    return inTransaction(pool, async (tx) => {
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
      const sequencedAtMs = Math.max(now(), head.lastSequencedAtMs)
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
    })
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

function assertSameRoot(size: bigint, a: Hash, b: Hash): void {
  if (Buffer.compare(a, b) !== 0) {
    throw new LogError(
      'inconsistent',
      `two different trees of ${size} entries: this log must not be signed any more until it is known why`,
    )
  }
}
