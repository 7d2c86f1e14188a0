/**
 * Search: an index that follows the log by leaf index, never in an append's way (rekor-v1.md section 11). It is complete up to
 * its position, resumes there after a stop, and can be built again from nothing.
 */
import { orUnavailable } from '@sigstack/log-engine'
import type { Hash } from '@sigstack/merkle'
import { migrate, type Pool } from '@sigstack/postgres'
import type { WholeLog } from '../shards/whole-log.ts'
import { findPage, type Page, type PageQuery } from './page.ts'
import { restMsAfter } from './rest.ts'
import { ensurePosition, findLeafIndexes, migrations, readPosition, searchKeyOf } from './store.ts'
import type { Turns } from './turn.ts'

export type { Page, PageQuery } from './page.ts'
export { firstIndexAt } from './time.ts'

/** Indexes are virtual ones, over all shards. */
export type FoundEntry = { readonly virtualIndex: bigint; readonly leafHash: Hash }

export type SearchIndex = {
  find(criteria: readonly (readonly string[])[], operator: 'and' | 'or'): Promise<readonly FoundEntry[]>
  /** A bounded part of what is found, in order; see {@link PageQuery}. */
  page(query: PageQuery<string>): Promise<Page>
  /** Entries below this leaf index are in the index, whoever put them there. */
  indexed(): Promise<bigint>
  /** Entries that are logged and not indexed yet, when it was last looked at. */
  backlog(): bigint
  /** Reads on until the end of the log, or until another process is found at it. */
  catchUp(): Promise<void>
  /** Finishes the turn it is at. */
  stop(): Promise<void>
}

export type SearchOptions = {
  readonly pool: Pool
  readonly log: WholeLog
  /** Who follows the log. */
  readonly turns: Turns
  /** Told of trouble; the follower tries again by itself. */
  readonly onError: (error: unknown) => void
  /** How often other replicas' work is looked for; default 1,000 ms. */
  readonly pollMs?: number
}

const mostHits = 10_000

export async function openSearch(options: SearchOptions): Promise<SearchIndex> {
  const { pool, log, turns, onError } = options
  await migrate(pool, migrations)
  await ensurePosition(pool, log.logId)

  let position = 0n
  let length = 0n
  let stopped = false
  let following: Promise<void> | undefined
  let wake = false
  /** Another process is at it; nothing to do but to look again at times. */
  let isTheirs = false

  const hashed = (keys: readonly string[]) => keys.map((key) => searchKeyOf(log.logId, key))

  /** Turn after turn until the end of the log, or until another process is found at it. */
  async function follow(isUrgent: boolean): Promise<void> {
    do {
      wake = false
      for (let more = true; more && !stopped; ) {
        const [began, lengthBefore] = [performance.now(), length]
        const turn = await turns.take()
        moveTo(turn.position)
        isTheirs = turn.outcome === 'not ours'
        more = turn.outcome === 'full' || turn.outcome === 'moved'
        if (isUrgent || !more) continue
        const load = { isGrowing: length > lengthBefore, backlog: length - position }
        await rest(restMsAfter(turn.outcome, performance.now() - began, load))
      }
    } while (wake && !stopped && !isTheirs)
  }

  function moveTo(next: bigint): void {
    position = next
    if (length < position) length = position
  }

  function start(): void {
    wake = true
    if (stopped || following !== undefined) return
    following = follow(false)
      .catch(onError)
      .finally(() => {
        following = undefined
      })
  }

  /** Finds what other processes have logged, and indexed. */
  async function look(): Promise<void> {
    if (stopped || following !== undefined) return
    const [total, indexed] = await Promise.all([log.length(), readPosition(pool, log.logId)])
    if (total > length) length = total
    moveTo(indexed)
    if (length > position) start()
  }

  log.onAppended((total) => {
    if (total > length) length = total
    if (!isTheirs) start()
  })
  const poll = setInterval(() => void look().catch(onError), options.pollMs ?? 1_000)
  poll.unref()
  await look()

  return {
    find: async (criteria, operator) => {
      const found = findLeafIndexes(pool, criteria.map(hashed), operator, mostHits)
      return placesOf(log, await orUnavailable(found))
    },
    page: ({ criteria, required, excluded, ...rest }) =>
      orUnavailable(
        findPage(pool, {
          ...rest,
          criteria: criteria.map(hashed),
          required: required.map(hashed),
          excluded: hashed(excluded),
        }),
      ),
    indexed: () => orUnavailable(readPosition(pool, log.logId)),
    backlog: () => length - position,
    catchUp: async () => {
      await following
      await follow(true)
    },
    stop: async () => {
      stopped = true
      clearInterval(poll)
      await following
      await turns.stop()
    },
  }
}

/** The index holds places only; leaf hashes are in the tiles. */
async function placesOf(log: WholeLog, virtualIndexes: readonly bigint[]): Promise<readonly FoundEntry[]> {
  const hashes = await log.readLeafHashes(virtualIndexes)
  return virtualIndexes.flatMap((virtualIndex, at) => {
    const leafHash = hashes[at]
    return leafHash === undefined ? [] : [{ virtualIndex, leafHash }]
  })
}

function rest(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
}
