/**
 * Search: an index that follows the log by leaf index, never in an append's way (rekor-v1.md section 11). It is complete up to
 * its position, resumes there after a stop, and can be built again from nothing. Readers wait a moment for it where it is just
 * behind, so that what was answered is found.
 */
import type { Asker } from '@sigstack/limits/turnstile'
import { orUnavailable } from '@sigstack/log-engine'
import type { Hash } from '@sigstack/merkle'
import type { Pool } from '@sigstack/postgres'
import { createDearReads, type DearReads } from '../dear-reads.ts'
import type { WholeLog } from '../shards/whole-log.ts'
import { firstUnder, largestIndex } from './first-under.ts'
import { type FollowerOptions, openFollower } from './follower.ts'
import { findPage, type Page, type PageQuery } from './page.ts'
import { type SearchKey, searchKeysFor } from './search-key.ts'
import { ensurePosition, migrateSearch, readPosition, searchTableOf } from './store.ts'

export type { Page, PageQuery } from './page.ts'
export type { SearchKey } from './search-key.ts'
export { firstIndexAt } from './time.ts'

/** Indexes are virtual ones, over all shards. */
export type FoundEntry = { readonly virtualIndex: bigint; readonly leafHash: Hash }

export type SearchIndex = {
  /** The newest, at most 10,000, of as many candidates as {@link findPage} looks at. */
  find(
    criteria: readonly (readonly SearchKey[])[],
    operator: 'and' | 'or',
    asker: Asker,
  ): Promise<readonly FoundEntry[]>
  /** The oldest under any of the keys; for writers, on their connections, and as far as the index is. */
  firstUnder(keys: readonly SearchKey[], limit: number): Promise<readonly bigint[]>
  /** A bounded part of what is found, in order; see {@link PageQuery}. */
  page(query: PageQuery<SearchKey>): Promise<Page>
  /** Entries below this leaf index are in the index, whoever put them there. */
  indexed(): Promise<bigint>
  /** Entries below this leaf index are in the log, whether the index has come to them or not. */
  logged(): Promise<bigint>
  /** Entries that are logged and not indexed yet, when it was last looked at. */
  backlog(): bigint
  /** Finishes the turn it is at. */
  stop(): Promise<void>
}

export type SearchOptions = FollowerOptions & {
  /** For what readers ask: connections of their own, so that writers do not wait for theirs. */
  readonly readers: Pool
  /** The longest wait of a reader for the follower; default 250 ms. */
  readonly patienceMs?: number
  /** Where others have their turns, too; by default it is for searches alone. */
  readonly dearReads?: DearReads
}

type Query = { readonly criteria: readonly (readonly SearchKey[])[]; readonly operator: 'and' | 'or' }

const mostHits = 10_000
/** As many as people look for. What finds more takes its turn, so that writers do not wait for it. */
const fewHits = 500
/** An entry ID in an answer. */
const sentBytesOfHit = 100
const usualPatienceMs = 250
const coldPatienceMs = 5_000
/** What a turn or two index: within reach of a reader's patience. */
const nearBacklog = 500n

export async function openSearch(options: SearchOptions): Promise<SearchIndex> {
  const { pool, readers, log, patienceMs = usualPatienceMs, dearReads = createDearReads() } = options
  await migrateSearch(pool, log)
  await ensurePosition(pool, log.logId)
  const follower = await openFollower(options)
  const table = searchTableOf(log.name)
  const hashed = (keys: readonly SearchKey[]) => keys.flatMap((key) => searchKeysFor(log.logId, key))

  /** The follower of a process that has just begun is not at work yet. */
  let isCold = true
  async function pass(length: bigint): Promise<void> {
    await follower.pass(length, isCold ? Math.max(patienceMs, coldPatienceMs) : patienceMs)
    isCold = false
  }

  /** What this process has answered is found, unless it is far ahead: then nobody waits in vain. */
  async function awaitOwn(): Promise<void> {
    const backlog = follower.backlog()
    if (backlog > 0n && backlog <= nearBacklog) await pass(follower.length())
  }

  /** True when there was something to wait for, whichever process has logged it. */
  async function awaitAll(): Promise<boolean> {
    const { length, position } = await follower.look()
    if (position >= length) return false
    await pass(length)
    return true
  }

  async function newest({ criteria, operator }: Query, limit: number, end = largestIndex): Promise<Page> {
    const common = { required: [], excluded: [], first: 0n, order: 'newest' } as const
    const query = { ...common, criteria: criteria.map(hashed), operator, end, limit }
    return findPage(readers, table, query, follower.length())
  }

  async function find(query: Query, asker: Asker): Promise<readonly FoundEntry[]> {
    await awaitOwn()
    let few = await newest(query, fewHits)
    if (few.leafIndexes.length === 0 && (await awaitAll())) few = await newest(query, fewHits)
    const { leafIndexes, next } = few
    if (next === undefined) return placesOf(log, leafIndexes)
    const findRest = async () => {
      const rest = await newest(query, mostHits - leafIndexes.length, next)
      return placesOf(log, [...leafIndexes, ...rest.leafIndexes])
    }
    return dearReads.pass(asker, findRest, ({ length }) => length * sentBytesOfHit)
  }

  return {
    find: (criteria, operator, asker) => orUnavailable(find({ criteria, operator }, asker)),
    firstUnder: (keys, limit) =>
      orUnavailable(firstUnder(pool, table, hashed(keys), { limit, length: follower.length() })),
    page: ({ criteria, required, excluded, ...rest }) =>
      orUnavailable(
        findPage(
          readers,
          table,
          {
            ...rest,
            criteria: criteria.map(hashed),
            required: required.map(hashed),
            excluded: hashed(excluded),
          },
          follower.length(),
        ),
      ),
    indexed: () =>
      orUnavailable(
        (async () => {
          await awaitAll()
          return readPosition(readers, log.logId)
        })(),
      ),
    logged: () => orUnavailable(log.length()),
    backlog: follower.backlog,
    stop: follower.stop,
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
