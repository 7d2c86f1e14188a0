/**
 * Search: an index that follows the log by leaf index, never in an append's way (rekor-v1.md section 11). It is complete up to
 * its position, resumes there after a stop, and can be built again from nothing.
 */
import type { Log, LogEntry } from '@sigstack/log-engine'
import { asHash, type Hash, tileWidth, widthOfTile } from '@sigstack/merkle'
import { migrate, type Pool } from '@sigstack/postgres'
import {
  advance,
  ensurePosition,
  findLeafIndexes,
  type IndexedEntry,
  migrations,
  searchKeyOf,
} from './store.ts'

export type SearchIndex = {
  find(criteria: readonly (readonly string[])[], operator: 'and' | 'or'): Promise<readonly Hash[]>
  /** The search keys of an entry that was just appended, so that the follower need not read it. */
  remember(leafIndex: bigint, keys: readonly string[]): void
  /** Entries that are logged and not indexed yet, as far as this process knows. */
  backlog(): bigint
  /** Reads on until the end of the log, or until another process is found at it. */
  catchUp(): Promise<void>
  /** Finishes the turn it is at. */
  stop(): Promise<void>
}

export type SearchOptions = {
  readonly pool: Pool
  readonly log: Log
  /** The keys of a stored entry. An entry for which it throws is indexed under none. */
  readonly searchKeysOf: (entry: LogEntry) => readonly string[]
  /** Told of trouble; the follower tries again by itself. */
  readonly onError: (error: unknown) => void
  /** How often other replicas' work is looked for; default 1,000 ms. */
  readonly pollMs?: number
}

const entriesPerTurn = 500
const mostHits = 10_000
const mostRemembered = 20_000
/** Of the time under load, a third is the follower's: it must not take from the appends what it could do later. */
const restFactor = 2
const longestRestMs = 500

export async function openSearch(options: SearchOptions): Promise<SearchIndex> {
  const { pool, log, searchKeysOf, onError } = options
  await migrate(pool, migrations)
  await ensurePosition(pool, log.logId)

  const remembered = new Map<bigint, readonly string[]>()
  let position = 0n
  let treeSize = 0n
  let stopped = false
  let following: Promise<void> | undefined
  let wake = false

  function keysOf(leafIndex: bigint, keys: readonly string[]): IndexedEntry {
    return { leafIndex, keys: keys.map((key) => searchKeyOf(log.logId, key)) }
  }

  /** From memory as far as it reaches without a gap, otherwise from the log. */
  async function entriesFrom(from: bigint): Promise<readonly IndexedEntry[]> {
    const entries: IndexedEntry[] = []
    for (let index = from; entries.length < entriesPerTurn; index++) {
      const keys = remembered.get(index)
      if (keys === undefined) break
      entries.push(keysOf(index, keys))
    }
    if (entries.length > 0) return entries
    const read = await log.readEntries(from, entriesPerTurn)
    return read.map((entry) => keysOf(entry.leafIndex, keysOrNone(entry)))
  }

  /** One entry that cannot be read must not stop the index. */
  function keysOrNone(entry: LogEntry): readonly string[] {
    try {
      return searchKeysOf(entry)
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
      const start = performance.now()
      while (!stopped && (await turn()) === 'moved') {
        if (!isUrgent) await rest(Math.min((performance.now() - start) * restFactor, longestRestMs))
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
      const keys = criteria.map((spellings) => spellings.map((key) => searchKeyOf(log.logId, key)))
      return leafHashesOf(log, await findLeafIndexes(pool, keys, operator, mostHits))
    },
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

/** Leaf hashes are in the tiles, so the index need not hold them. */
async function leafHashesOf(log: Log, leafIndexes: readonly bigint[]): Promise<readonly Hash[]> {
  if (leafIndexes.length === 0) return []
  const { size } = await log.treeHead()
  const tiles = new Map<bigint, Uint8Array | undefined>()
  const hashes: Hash[] = []
  for (const leafIndex of leafIndexes) {
    const tileIndex = leafIndex / BigInt(tileWidth)
    const width = widthOfTile(0, tileIndex, size)
    if (!tiles.has(tileIndex)) tiles.set(tileIndex, await log.readTile(0, tileIndex, width))
    const at = Number(leafIndex % BigInt(tileWidth)) * 32
    const hash = tiles.get(tileIndex)?.subarray(at, at + 32)
    if (hash?.length === 32) hashes.push(asHash(hash))
  }
  return hashes
}

function rest(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
}
