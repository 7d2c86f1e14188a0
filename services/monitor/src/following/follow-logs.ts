/** Looks at every log of the list, one round after the other. A log that fails holds up no other. */
import { setTimeout as pause } from 'node:timers/promises'
import { reasonOf } from '@sigstack/crypto'
import type { Pool, Queryable } from '@sigstack/postgres'
import type { Trouble } from '../alarms/alarm.ts'
import type { Conditions } from '../alarms/conditions.ts'
import type { FollowError } from './errors.ts'
import { type FollowedTree, followTree, type Pace } from './follow-tree.ts'
import type { LogDescription } from './logs-file.ts'
import type { StoredLeaf } from './source.ts'
import { treesOfLog } from './trees-of-log.ts'
import { keysOfLog, type TrustSource } from './trusted-keys.ts'

export type LogsDependencies = {
  readonly pool: Pool
  readonly logs: () => readonly LogDescription[]
  /** Undefined: every log has its key in the list. */
  readonly trust: TrustSource | undefined
  readonly conditions: Conditions
  readonly report: (tx: Queryable, trouble: Trouble) => Promise<void>
  /** In a transaction of its own. */
  readonly reportNow: (trouble: Trouble) => Promise<void>
  /** Called in the transaction that remembers that the leaves were read. */
  readonly onLeaves: (
    tx: Queryable,
    piece: {
      readonly log: LogDescription
      readonly treeId: bigint
      readonly first: bigint
      readonly leaves: readonly StoredLeaf[]
    },
  ) => Promise<void>
  /** A head was had of this tree. */
  readonly onSeen: (tree: FollowedTree) => void
  readonly onFailure: (log: string, reason: string) => void
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** How long a log that is far ahead is read before it is looked at again. */
  readonly roundMs: number
  /** Of the time of this process, for reading entries. */
  readonly readShare: number
  /** By which the clock of a log may be off. */
  readonly clockDriftMs: number
}

/** One round. True where a log is ahead still. */
export async function lookAtLogs(dependencies: LogsDependencies, signal: AbortSignal): Promise<boolean> {
  const { logs, now, roundMs, readShare } = dependencies
  const endsAtMs = now() + roundMs
  const isLate = () => now() >= endsAtMs || signal.aborted
  const rest = async (tookMs: number): Promise<unknown> =>
    readShare === 1
      ? undefined
      : pause(Math.min(tookMs * (1 / readShare - 1), roundMs), undefined, { signal }).catch(() => {})
  const outcomes = await Promise.all(
    logs().map((log) => lookAtLog(log, dependencies, { signal, isLate, rest })),
  )
  return outcomes.includes(true)
}

async function lookAtLog(log: LogDescription, dependencies: LogsDependencies, pace: Pace): Promise<boolean> {
  const { pool, trust, conditions, report, reportNow, onLeaves, onSeen, onFailure, now } = dependencies
  const { roundMs, clockDriftMs } = dependencies
  const { signal, isLate } = pace

  const unreachable = (where: string, reason: string, treeId?: bigint) =>
    conditions.hold('unreachable', `${log.name} at ${where}`, () => ({
      ...(treeId !== undefined && { treeId }),
      summary: `${log.name} cannot be followed: ${reason}`,
      detail: { where, reason },
    }))

  async function tellFailure(tree: FollowedTree, shownAt: string, error: FollowError): Promise<void> {
    onFailure(log.name, error.message)
    if (error.code !== 'bad_signature')
      return unreachable(`${shownAt} ${tree.name}`, error.message, tree.treeId)
    await reportNow({
      kind: 'bad-signature',
      matter: `tree ${tree.treeId} at ${shownAt}`,
      treeId: tree.treeId,
      summary: `${shownAt} shows a head of ${tree.name} that is not signed by the log: ${error.message}`,
      detail: { shownAt, shown: (error.evidence ?? '').slice(0, 16_384) },
    })
  }

  async function tellClock(shownAt: string, dateMs: number): Promise<void> {
    const off = dateMs - now()
    if (Math.abs(off) <= clockDriftMs) return conditions.pass('clock-drift', shownAt)
    const seconds = Math.round(Math.abs(off) / 1000)
    await conditions.hold('clock-drift', shownAt, () => ({
      summary: `the clock at ${shownAt} is ${seconds} s ${off > 0 ? 'ahead of' : 'behind'} that of the monitor`,
      detail: { shownAt, offSeconds: Math.round(off / 1000) },
    }))
  }

  async function lookAtTree(tree: FollowedTree): Promise<boolean> {
    const dates = new Map<string, number>()
    const looked = await followTree(
      tree,
      {
        pool,
        report,
        reportNow,
        onLeaves: (tx, piece) => onLeaves(tx, { ...piece, log }),
        onDate: (shownAt, dateMs) => dates.set(shownAt, dateMs),
      },
      pace,
    )
    for (const [shownAt, dateMs] of dates) await tellClock(shownAt, dateMs)
    const failed = new Map(looked.failures.map(({ shownAt, error }) => [shownAt, error]))
    for (const { shownAt } of tree.views) {
      const error = failed.get(shownAt)
      if (error !== undefined) await tellFailure(tree, shownAt, error)
      else await conditions.pass('unreachable', `${log.name} at ${shownAt} ${tree.name}`)
    }
    if (!failed.has(log.url)) onSeen(tree)
    const matter = `tree ${tree.treeId}`
    if (!looked.isBehind) await conditions.pass('backlog', matter)
    else
      await conditions.hold('backlog', matter, () => ({
        treeId: tree.treeId,
        summary: `${tree.name} is ahead of what the monitor has read of it`,
        detail: {},
      }))
    return looked.isBehind
  }

  try {
    const { trees, failure, gone } = await treesOfLog(
      log,
      pool,
      (within) => keysOfLog(log, trust, within),
      signal,
    )
    if (failure === undefined) await conditions.pass('unreachable', `${log.name} at its shards`)
    else {
      onFailure(log.name, failure.message)
      await unreachable('its shards', failure.message)
    }
    for (const { shard, size } of gone)
      await reportNow({
        kind: 'shrunk-tree',
        matter: `shard ${shard} of ${log.name} is gone`,
        summary: `${log.name} tells no more of its shard ${shard}, of which ${size} entries were read`,
        detail: { shownAt: log.url, shard, size: String(size) },
      })
    let isBehind = false
    // The other logs wait for the end of the round: where there is no time for all, the next one begins with another tree.
    const first = Math.floor(now() / roundMs) % trees.length
    for (const [at, tree] of [...trees.slice(first), ...trees.slice(0, first)].entries()) {
      if (at > 0 && isLate()) return true
      isBehind = (await lookAtTree(tree)) || isBehind
    }
    await conditions.pass('unreachable', `${log.name} at the monitor`)
    return isBehind
  } catch (error) {
    if (signal.aborted) return false
    // The database, or a fault of ours: the next round tries again, and nobody looks at the log meanwhile.
    const reason = reasonOf(error)
    onFailure(log.name, reason)
    await unreachable('the monitor', reason).catch((cause: unknown) => onFailure(log.name, reasonOf(cause)))
    return false
  }
}
