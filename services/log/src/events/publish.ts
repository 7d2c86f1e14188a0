/**
 * Events of new entries: follows the log and delivers each entry at least once, in order, over restarts and with any number of
 * replicas. The log itself is the queue, so a slow receiver costs no memory and no append, and nothing is lost while it is away.
 */
import { randomUUID } from 'node:crypto'
import { migrate, type Pool } from '@sigstack/postgres'
import {
  type CursorKey,
  endLease,
  ensureCursor,
  migrations,
  moveCursor,
  type Receiver,
  readCursor,
  takeLease,
} from './cursor.ts'
import { EventsError } from './errors.ts'

export type PublishOptions<Entry> = {
  readonly pool: Pool
  readonly logId: Uint8Array
  /** Each has a cursor of its own. */
  readonly receiver: Receiver
  /** Entries of the whole log, now. */
  readonly length: () => Promise<bigint>
  /** From an index on, at most `count`; fewer at the end of the log or of a shard. */
  readonly readEntries: (start: bigint, count: number) => Promise<readonly Entry[]>
  /**
   * Resolves when the receiver has taken them all; throws when they are to be delivered again. The signal tells it to give up,
   * and `failures` how often in a row it has thrown.
   */
  readonly deliver: (entries: readonly Entry[], signal: AbortSignal, failures: number) => Promise<void>
  /** Told of trouble; delivery is tried again by itself. */
  readonly onError: (error: unknown) => void
  /** Entries in one delivery. */
  readonly batch: number
  /** How often the log is looked at; default 1,000 ms. */
  readonly pollMs?: number
  /** The longest pause after failures; default 60,000 ms. */
  readonly longestPauseMs?: number
  /** After a crash another process goes on when so much time has gone by; default 5,000 ms. */
  readonly leaseMs?: number
}

export type Publisher = {
  /** There may be new entries. */
  wake(): void
  /** Entries that were logged and not delivered yet, when it was last looked at. */
  backlog(): bigint
  /** Gives up the delivery it is at; another process, or the next start, makes it again. */
  stop(): Promise<void>
}

const firstPauseMs = 500

export async function openPublisher<Entry>(options: PublishOptions<Entry>): Promise<Publisher> {
  const { pool, logId, length, readEntries, deliver, onError, batch } = options
  const { pollMs = 1_000, longestPauseMs = 60_000, leaseMs = 5_000 } = options
  const cursor: CursorKey = { logId, receiver: options.receiver }
  await migrate(pool, migrations)
  await ensureCursor(pool, cursor, await length())
  const holder = randomUUID()
  const stopping = new AbortController()
  let behind = 0n
  let failures = 0
  let notBefore = 0
  let working: Promise<void> | undefined

  /** True when there may be more. */
  async function turn(): Promise<boolean> {
    const next = await readCursor(pool, cursor)
    const end = await length()
    behind = end > next ? end - next : 0n
    // An idle log writes nothing.
    if (behind === 0n) return false
    const from = await takeLease(pool, cursor, holder, leaseMs)
    if (from === undefined) return false
    const entries = await readEntries(from, batch)
    if (entries.length === 0) throw new Error(`the log has ${end} entries, and cannot read number ${from}`)
    await deliverLeased(entries)
    const moved = await moveCursor(pool, cursor, holder, from, from + BigInt(entries.length))
    if (moved) behind -= BigInt(entries.length)
    return moved
  }

  /** The lease is short, so that a crash is not felt for long; a delivery may take longer, and renews it meanwhile. */
  async function deliverLeased(entries: readonly Entry[]): Promise<void> {
    const lost = new AbortController()
    let renewing: Promise<void> | undefined
    const renew = async () => {
      // A database that is away renews nothing, but takes the turn from nobody either.
      const next = await takeLease(pool, cursor, holder, leaseMs).catch(() => 0n)
      if (next === undefined) lost.abort(new EventsError('turn_lost', 'another process delivers events now'))
      renewing = undefined
    }
    const renewal = setInterval(() => {
      renewing ??= renew()
    }, leaseMs / 3)
    try {
      await deliver(entries, AbortSignal.any([stopping.signal, lost.signal]), failures)
    } finally {
      clearInterval(renewal)
      await renewing
    }
  }

  async function work(): Promise<void> {
    try {
      while (!stopping.signal.aborted && (await turn())) failures = 0
      failures = 0
    } catch (error) {
      if (stopping.signal.aborted) return
      // With jitter, so that replicas and logs do not call in step.
      const pause = Math.min(firstPauseMs * 2 ** failures, longestPauseMs)
      failures = Math.min(failures + 1, 20)
      notBefore = performance.now() + pause * (0.75 + Math.random() / 2)
      onError(error)
    }
  }

  function wake(): void {
    if (stopping.signal.aborted || working !== undefined || performance.now() < notBefore) return
    working = work().finally(() => {
      working = undefined
    })
  }

  const poll = setInterval(wake, pollMs)
  poll.unref()
  wake()
  return {
    wake,
    backlog: () => behind,
    stop: async () => {
      clearInterval(poll)
      stopping.abort()
      await working
      await endLease(pool, cursor, holder).catch(onError)
    },
  }
}
