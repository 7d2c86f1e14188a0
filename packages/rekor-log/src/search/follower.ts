/** Keeps the search index behind the log: at once at low load, seldom in a burst, and soon where a reader waits for it. */
import type { Pool } from '@sigstack/postgres'
import { inStep } from '@sigstack/server/in-step'
import type { WholeLog } from '../shards/whole-log.ts'
import { hurriedRestMs, restMsAfter } from './rest.ts'
import { readPosition } from './store.ts'
import type { Turns } from './turn.ts'

export type Follower = {
  /** Entries that are logged and not indexed yet, when it was last looked at. */
  backlog(): bigint
  /** Entries over all shards, as far as this process knows. */
  length(): bigint
  /** Asks the database how long the log is and how far the index has come, whoever did it. */
  look(): Promise<{ readonly length: bigint; readonly position: bigint }>
  /** Resolves when all entries below `length` can be found, or after `patienceMs`; the follower hurries meanwhile. */
  pass(length: bigint, patienceMs: number): Promise<void>
  /** Finishes the turn it is at. */
  stop(): Promise<void>
}

export type FollowerOptions = {
  readonly pool: Pool
  readonly log: WholeLog
  /** Who follows the log. */
  readonly turns: Turns
  /** Told of trouble; the follower tries again by itself. */
  readonly onError: (error: unknown) => void
  /** How often other replicas' work is looked for; default 1,000 ms. */
  readonly pollMs?: number
}

/** One of so many looks asks for the position of an index that has come to the end of the log. */
const positionEach = 5

export async function openFollower(options: FollowerOptions): Promise<Follower> {
  const { pool, log, turns, onError } = options
  let position = 0n
  let length = 0n
  let looks = 0
  let stopped = false
  let following: Promise<void> | undefined
  let wake = false
  /** Another process is at it; nothing to do but to look again at times. */
  let isTheirs = false
  /** A reader waits. */
  let isHurried = false
  let endRest = () => {}
  /** Called after each turn. */
  const waiting = new Set<() => void>()

  /** Turn after turn until the end of the log, or until another process is found at it. */
  async function follow(): Promise<void> {
    do {
      wake = false
      for (let more = true; more && !stopped; ) {
        const [began, lengthBefore] = [performance.now(), length]
        isHurried = false
        const { outcome, position: next } = await turns.take()
        moveTo(next)
        isTheirs = outcome === 'not ours'
        more = outcome === 'full' || (outcome === 'moved' && position < length)
        const load = { isGrowing: length > lengthBefore, backlog: length - position }
        const workedMs = performance.now() - began
        for (const waiter of waiting) waiter()
        await rest(restMsAfter(outcome, workedMs, load), hurriedRestMs(outcome, workedMs))
      }
    } while (wake && !stopped && !isTheirs)
  }

  async function rest(ms: number, hurriedMs: number): Promise<void> {
    const began = performance.now()
    const until = (restMs: number) => restMs - (performance.now() - began)
    for (let left = ms; left > 0 && !stopped; left = until(isHurried ? Math.min(ms, hurriedMs) : ms)) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left)
        endRest = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }

  function moveTo(next: bigint): void {
    position = next
    if (length < position) length = position
  }

  function start(): void {
    wake = true
    if (stopped || following !== undefined) return
    following = follow()
      .catch(onError)
      .finally(() => {
        following = undefined
      })
  }

  async function look(): Promise<{ readonly length: bigint; readonly position: bigint }> {
    const [total, indexed] = await Promise.all([log.length(), readPosition(pool, log.logId)])
    length = bigger(length, total)
    moveTo(indexed)
    return { length, position }
  }

  /** Finds what other processes have logged, and indexed; at times also an index that is being made anew. */
  async function lookForWork(): Promise<void> {
    if (stopped || following !== undefined) return
    if (looks++ % positionEach === 0 || length > position) await look()
    else length = bigger(length, await log.length())
    if (length > position) start()
  }

  log.onAppended((total) => {
    length = bigger(length, total)
    if (!isTheirs) start()
  })
  const stopPolling = inStep(options.pollMs ?? 1_000, () => void lookForWork().catch(onError))
  await lookForWork()

  return {
    backlog: () => length - position,
    length: () => length,
    look,
    pass: async (target, patienceMs) => {
      const deadline = performance.now() + patienceMs
      for (
        let left = patienceMs;
        position < target && left > 0 && !stopped;
        left = deadline - performance.now()
      ) {
        isHurried = true
        start()
        endRest()
        await turnWithin(left)
      }
    },
    stop: async () => {
      stopped = true
      stopPolling()
      endRest()
      await following
      await turns.stop()
    },
  }

  function turnWithin(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer)
        waiting.delete(done)
        resolve()
      }
      const timer = setTimeout(done, ms)
      waiting.add(done)
    })
  }
}

function bigger(a: bigint, b: bigint): bigint {
  return a > b ? a : b
}
