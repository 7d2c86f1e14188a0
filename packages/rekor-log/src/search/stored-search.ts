/** Search in a log of the same database that is open elsewhere: others follow it, here it is read alone. */
import { setTimeout as sleep } from 'node:timers/promises'
import { orUnavailable, readLogEntriesAt } from '@sigstack/log-engine'
import type { Pool } from '@sigstack/postgres'
import { RekorLogError } from '../errors.ts'
import { lengthOf, type NumberedShard, shardsOfLog } from '../shards/stored-log.ts'
import { type PlacedIn, readByShard } from '../shards/virtual-index.ts'
import { findPage, type Page, type PageQuery } from './page.ts'
import { type SearchKey, searchKeysFor } from './search-key.ts'
import { readPosition, type SearchedLog, searchTableOf } from './store.ts'

/** As it is at the time of a query. Indexes are virtual ones, over all its shards. */
export type StoredSearch = {
  /** Entries below it can be found. */
  readonly indexed: bigint
  page(query: PageQuery<SearchKey>): Promise<Page>
  /** In the order of `virtuals`; `undefined` for what is not there. */
  readEntries(virtuals: readonly bigint[]): Promise<readonly (PlacedIn<NumberedShard> | undefined)[]>
}

/** The follower is just behind what was answered, mostly. */
const patienceMs = 250
const lookAgainMs = 20

/** `undefined`: the database holds no such log. Waits a moment for an index that is behind. */
export function openStoredSearch(readers: Pool, name: SearchedLog): Promise<StoredSearch | undefined> {
  return orUnavailable(open(readers, name))
}

async function open(readers: Pool, name: SearchedLog): Promise<StoredSearch | undefined> {
  const shards = await shardsOfLog(readers, name).catch(asMissing)
  const [first] = shards ?? []
  if (shards === undefined || first === undefined) return undefined
  const { logId } = first
  const indexed = await positionNear(readers, logId, lengthOf(shards))
  const hashed = (keys: readonly SearchKey[]) => keys.flatMap((key) => searchKeysFor(logId, key))
  return {
    indexed,
    page: ({ criteria, required, excluded, ...rest }) =>
      orUnavailable(
        findPage(
          readers,
          searchTableOf(name),
          {
            ...rest,
            criteria: criteria.map(hashed),
            required: required.map(hashed),
            excluded: hashed(excluded),
          },
          indexed,
        ),
      ),
    readEntries: (virtuals) =>
      orUnavailable(
        readByShard(shards, virtuals, ({ name }, leafIndexes) =>
          readLogEntriesAt(readers, name, leafIndexes),
        ),
      ),
  }
}

async function positionNear(readers: Pool, logId: Uint8Array, length: bigint): Promise<bigint> {
  const until = performance.now() + patienceMs
  for (;;) {
    const position = await readPosition(readers, logId)
    if (position >= length || performance.now() >= until) return position
    await sleep(lookAgainMs)
  }
}

function asMissing(error: unknown): undefined {
  if (error instanceof RekorLogError && error.code === 'not_found') return undefined
  throw error
}
