/**
 * One look at a tree. What was shown is kept before anything is made of it; then each head is judged, smallest first: it must extend
 * the tree that is verified, by a proof of the log that leads to both roots, and the leaves, read and hashed one by one, must lead to its
 * root. So a log that was rewritten is met by what is remembered here, whatever it has forgotten itself. Two roots of one size need no
 * proof: they are told of at once.
 */
import { quoted } from '@sigstack/crypto'
import {
  emptyRootHash,
  growTree,
  leafHash,
  ProofError,
  type TreeHead,
  verifyConsistency,
} from '@sigstack/merkle'
import { inTransaction, type Pool, type Queryable } from '@sigstack/postgres'
import type { Trouble } from '../alarms/alarm.ts'
import { FollowError } from './errors.ts'
import type { StoredLeaf, TreeSource } from './source.ts'
import { thinPending } from './thin-pending.ts'
import {
  demandKeepable,
  forgetReached,
  judgeHead,
  type KeptHead,
  keepHead,
  largestShown,
  noteOf,
  pendingHeads,
  pinOrigin,
  reach,
  readTree,
  rivalOf,
  verifyReached,
} from './tree-store.ts'

export type FollowedTree = {
  readonly treeId: bigint
  /** As people call it. */
  readonly name: string
  /** Where leaves and proofs are read. */
  readonly source: TreeSource
  /** Where heads are shown: of the log itself first, then of others who pass them on. */
  readonly views: readonly { readonly shownAt: string; readonly readHead: TreeSource['readHead'] }[]
  /** How many heads of it may wait to be judged. */
  readonly mostPending: number
}

export type FollowDependencies = {
  readonly pool: Pool
  /** Called for each piece of leaves in the transaction that remembers that they were read. */
  readonly onLeaves: (
    tx: Queryable,
    piece: { readonly treeId: bigint; readonly first: bigint; readonly leaves: readonly StoredLeaf[] },
  ) => Promise<void>
  readonly report: (tx: Queryable, trouble: Trouble) => Promise<void>
  /** In a transaction of its own. */
  readonly reportNow: (trouble: Trouble) => Promise<void>
  /** Told of the clock of whoever showed a head. */
  readonly onDate: (shownAt: string, dateMs: number) => void
}

export type Looked = {
  /** Why a head could not be had or judged, by where. */
  readonly failures: readonly { readonly shownAt: string; readonly error: FollowError }[]
  /** Whether there is more to read than there was time for. */
  readonly isBehind: boolean
}

export type Pace = {
  readonly signal: AbortSignal
  /** Asked between pieces of leaves. */
  readonly isLate: () => boolean
  /** After each piece, with how long it took. */
  readonly rest: (tookMs: number) => Promise<unknown>
}

type Failure = Looked['failures'][number]

export async function followTree(
  tree: FollowedTree,
  dependencies: FollowDependencies,
  { signal, isLate, rest }: Pace,
): Promise<Looked> {
  const { treeId, source, views, mostPending } = tree
  const { pool, onLeaves, report, reportNow, onDate } = dependencies

  async function seeHead({ shownAt, readHead }: FollowedTree['views'][number]): Promise<void> {
    const { origin, treeHead, note, dateMs } = await readHead(signal)
    if (dateMs !== undefined) onDate(shownAt, dateMs)
    demandKeepable({ origin, treeHead, note }, shownAt)
    const pinned = await pinOrigin(pool, treeId, origin)
    if (pinned !== origin)
      throw new FollowError(
        'bad_answer',
        `${shownAt} shows the head of ${quoted(origin)}, not of ${quoted(pinned)}`,
      )
    const largest = await largestShown(pool, treeId, shownAt)
    await keepHead(pool, treeId, { treeHead, note }, shownAt)
    // Needs no proof, so a log cannot keep it back by giving none.
    const rival = await rivalOf(pool, treeId, treeHead)
    if (rival !== undefined) await condemn({ ...treeHead, note, shownAt }, rival, twoRoots)
    if (treeHead.size < largest)
      await reportNow({
        kind: 'shrunk-tree',
        matter: `tree ${treeId} at ${shownAt}`,
        treeId,
        summary: `${tree.name} shows ${treeHead.size} entries at ${shownAt}, where it has shown ${largest}`,
        detail: { shownAt, shown: note, largestSize: String(largest) },
      })
  }

  async function judge(head: KeptHead): Promise<'judged' | 'late'> {
    const { verified, reached } = await readTree(pool, treeId)
    const why = await contradiction(head, verified, source, signal)
    if (why !== undefined) {
      await condemn(head, verified, why)
      // What was read for it may be of another history.
      await forgetReached(pool, treeId)
    } else if (head.size <= verified.size) {
      await judgeHead(pool, treeId, head, 'consistent')
    } else if (head.size >= reached.size) {
      return readUpTo(head, reached)
    }
    // Smaller than what was read for a larger head: when that is verified, a proof tells of this one.
    return 'judged'
  }

  async function readUpTo(head: KeptHead, reached: TreeHead): Promise<'judged' | 'late'> {
    let { reached: grown } = await readTree(pool, treeId)
    if (grown.size !== reached.size) return 'late'
    const range = { start: grown.size, end: head.size, treeSize: head.size }
    let beganMs = performance.now()
    for await (const leaves of source.readLeaves(range, signal)) {
      const before = grown.size
      grown = growTree(
        grown,
        leaves.map(({ leaf }) => leafHash(leaf)),
      ).tree
      const isOurs = await inTransaction(pool, async (tx) => {
        if (!(await reach(tx, treeId, before, grown))) return false
        await onLeaves(tx, { treeId, first: before, leaves })
        return true
      })
      // Another process reads the same tree: it goes on from where it is.
      if (!isOurs || (grown.size < head.size && isLate())) return 'late'
      await rest(performance.now() - beganMs)
      beganMs = performance.now()
    }
    if (grown.size !== head.size)
      throw new FollowError('bad_answer', `${tree.name} has given ${grown.size} of ${head.size} entries`)
    if (Buffer.compare(grown.rootHash, head.rootHash) === 0) {
      await inTransaction(pool, async (tx) => {
        await verifyReached(tx, treeId, head)
        await judgeHead(tx, treeId, head, 'consistent')
      })
      return 'judged'
    }
    await forgetReached(pool, treeId)
    await reportNow({
      kind: 'wrong-entries',
      matter: `tree ${treeId}`,
      treeId,
      summary: `the entries that ${tree.name} gives do not lead to the root that it has signed for ${head.size} entries`,
      detail: {
        shownAt: head.shownAt,
        shown: head.note,
        size: String(head.size),
        readRoot: Buffer.from(grown.rootHash).toString('hex'),
      },
    })
    throw new FollowError('bad_answer', `the entries of ${tree.name} do not lead to the root of its head`)
  }

  async function condemn(head: KeptHead, verified: TreeHead, why: string): Promise<void> {
    await inTransaction(pool, async (tx) => {
      if (!(await judgeHead(tx, treeId, head, 'inconsistent'))) return
      await report(tx, {
        kind: 'inconsistent-head',
        matter: `tree ${treeId}`,
        treeId,
        summary: `${tree.name} has signed a head of ${head.size} entries that does not fit the one of ${verified.size} entries that it signed before`,
        detail: {
          why,
          shownAt: head.shownAt,
          shown: head.note,
          verifiedSize: String(verified.size),
          verified: (await noteOf(tx, treeId, verified)) ?? '',
        },
      })
    })
  }

  async function headsToJudge(): Promise<readonly KeptHead[]> {
    const pending = await pendingHeads(pool, treeId, mostPending + 1)
    if (pending.length <= mostPending) return pending
    // Before anything is lost.
    await reportNow({
      kind: 'unproven-heads',
      matter: `tree ${treeId}`,
      treeId,
      summary: `${tree.name} has signed more than ${mostPending} heads that could not be judged: of those between the first and the last only some are kept`,
      detail: { mostKept: mostPending },
    })
    await thinPending(pool, treeId, mostPending, signal)
    return pendingHeads(pool, treeId, mostPending)
  }

  const failures: Failure[] = []
  const attempt = async <T>(shownAt: string, work: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof FollowError)) throw error
      failures.push({ shownAt, error })
      return undefined
    }
  }
  for (const view of views) await attempt(view.shownAt, () => seeHead(view))
  let isBehind = false
  for (const [at, head] of (await headsToJudge()).entries()) {
    if (at > 0 && isLate()) {
      isBehind = true
      break
    }
    const outcome = await attempt(head.shownAt, () => judge(head))
    isBehind ||= outcome === 'late'
  }
  return { failures, isBehind }
}

const twoRoots = 'one size has two roots'

/** Why the two heads cannot be of one tree, in words; undefined where a proof shows that they can. */
async function contradiction(
  head: TreeHead,
  verified: TreeHead,
  source: TreeSource,
  signal: AbortSignal,
): Promise<string | undefined> {
  const [older, newer] = head.size < verified.size ? [head, verified] : [verified, head]
  const isSame = Buffer.compare(older.rootHash, newer.rootHash) === 0
  if (older.size === newer.size) return isSame ? undefined : twoRoots
  if (older.size === 0n)
    return Buffer.compare(older.rootHash, emptyRootHash) === 0
      ? undefined
      : 'a tree without leaves has another root'
  const proof = await source.proveConsistency(older.size, newer.size, signal)
  try {
    verifyConsistency(proof, older.rootHash, newer.rootHash)
    return undefined
  } catch (cause) {
    if (!(cause instanceof ProofError)) throw cause
    return cause.message
  }
}
