/**
 * Search: an index that follows the log by leaf index, never in an append's way (rekor-v1.md section 11). It is complete up to
 * its position, resumes there after a stop, and can be built again from nothing.
 */
import { type LogEntry, orUnavailable } from '@sigstack/log-engine'
import type { Hash } from '@sigstack/merkle'
import { migrate, type Pool } from '@sigstack/postgres'
import type { WholeLog } from '../shards/whole-log.ts'
import { findPage, type Page, type PageQuery } from './page.ts'
import {
  advance,
  ensurePosition,
  findLeafIndexes,
  type IndexedEntry,
  migrations,
  readPosition,
  searchKeyOf,
} from './store.ts'

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
  /** An entry that was just appended, so that the follower need not read it. Its keys are made when their turn comes. */
  remember(leafIndex: bigint, keys: () => readonly string[]): void
  /** Entries that are logged and not indexed yet, as far as this process knows. */
  backlog(): bigint
  /** Reads on until the end of the log, or until another process is found at it. */
  catchUp(): Promise<void>
  /** Finishes the turn it is at. */
  stop(): Promise<void>
}

export type SearchOptions = {
  readonly pool: Pool
  readonly log: WholeLog
  /** The keys of a stored entry. An entry for which it throws is indexed under none. */
  readonly searchKeysOf: (entry: LogEntry) => readonly string[]
  /** Told of trouble; the follower tries again by itself. */
  readonly onError: (error: unknown) => void
  /** How often other replicas' work is looked for; default 1,000 ms. */
  readonly pollMs?: number
}

/** A turn is a few milliseconds of the event loop, which appends share. */
const entriesPerTurn = 100
const mostHits = 10_000
/** Enough for a follower that keeps up. One that lags reads from the log; what waits here for long only costs memory. */
const mostRemembered = 1_000
/** Of the time under load, a fifth is the follower's: it must not take from the appends what it could do later. */
const restFactor = 4
const longestRestMs = 500

export async function openSearch(options: SearchOptions): Promise<SearchIndex> {
  const { pool, log, searchKeysOf, onError } = options
  await migrate(pool, migrations)
  await ensurePosition(pool, log.logId)

  const remembered = new Map<bigint, () => readonly string[]>()
  let position = 0n
  let treeSize = 0n
  let stopped = false
  let following: Promise<void> | undefined
  let wake = false

  const hashed = (keys: readonly string[]) => keys.map((key) => searchKeyOf(log.logId, key))

  function keysOf(leafIndex: bigint, keys: readonly string[]): IndexedEntry {
    return { leafIndex, keys: hashed(keys) }
  }

  /** From memory as far as it reaches without a gap, otherwise from the log. */
  async function entriesFrom(from: bigint): Promise<readonly IndexedEntry[]> {
    const entries: IndexedEntry[] = []
    for (let index = from; entries.length < entriesPerTurn; index++) {
      const keys = remembered.get(index)
      if (keys === undefined) break
      entries.push(keysOf(index, attempt(keys)))
    }
    if (entries.length > 0) return entries
    const read = await log.readEntries(from, entriesPerTurn)
    return read.map((entry) =>
      keysOf(
        entry.leafIndex,
        attempt(() => searchKeysOf(entry)),
      ),
    )
  }

  /** One entry that cannot be read must not stop the index. */
  function attempt(keys: () => readonly string[]): readonly string[] {
    try {
      return keys()
    } catch (error) {
      onError(error)
      return []
    }
  }

  async function turn(): Promise<'moved' | 'done'> {
    const before = position
    const next = await advance(pool, log.logId, entriesFrom)
    if (next === undefined) return 'done'
    position = next
    for (let index = before; index < next && remembered.size > 0; index++) remembered.delete(index)
    if (position > treeSize) treeSize = position
    return next > before ? 'moved' : 'done'
  }

  async function follow(isUrgent: boolean): Promise<void> {
    do {
      wake = false
      while (!stopped) {
        // Of each turn by itself: between replicas, which remember only their own entries, turns are short and many.
        const began = performance.now()
        if ((await turn()) !== 'moved') break
        if (!isUrgent) await rest(Math.min((performance.now() - began) * restFactor, longestRestMs))
      }
    } while (wake && !stopped)
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

  log.onAppended((size) => {
    if (size > treeSize) treeSize = size
    start()
  })
  const poll = setInterval(start, options.pollMs ?? 1_000)
  poll.unref()
  start()

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
    remember: (leafIndex, keys) => {
      // The follower may have read it from the log already.
      if (leafIndex >= position && remembered.size < mostRemembered) remembered.set(leafIndex, keys)
    },
    backlog: () => (treeSize > position ? treeSize - position : 0n),
    catchUp: async () => {
      await following
      await follow(true)
    },
    stop: async () => {
      stopped = true
      clearInterval(poll)
      await following
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
