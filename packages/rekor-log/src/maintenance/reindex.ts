/**
 * Building the search index of a log anew, from the entries of all shards. The new rows go into a table of their own with its own ranges, so
 * that search answers from the old ones until it is complete; then both are exchanged in one transaction, in which the follower waits.
 *
 * That transaction is the one that holds the lock from the beginning, and the table has a name that no other process gives: whoever has
 * lost the lock with its connection can neither exchange anything nor write into what the next one builds.
 */
import { randomBytes } from 'node:crypto'
import { migrateLogs } from '@sigstack/log-engine'
import { inTransaction, type Pool, type Queryable } from '@sigstack/postgres'
import { RekorLogError } from '../errors.ts'
import { createKeyThreads } from '../search/key-threads.ts'
import { addRange, type KeyTable, keyColumns, rangeFor } from '../search/ranges.ts'
import {
  ensurePosition,
  migrateSearch,
  type RebuildTable,
  rebuildPrefix,
  type SearchedLog,
  searchTableOf,
  writeKeys,
} from '../search/store.ts'
import { lengthOf, readStoredEntries, shardsOfLog } from '../shards/stored-log.ts'
import { type Patience, patientPool } from './patient-pool.ts'

export type ReindexOptions = Patience & {
  readonly pool: Pool
  /** Which log of the database; default `rekor-v1`. */
  readonly name?: SearchedLog
  /** `done` and `total` count entries over all shards. */
  readonly onProgress?: (done: bigint, total: bigint) => void
  /** All entries are read; sorting the rows takes a while and has no progress. */
  readonly onSorting?: () => void
}

export type Reindexed = {
  /** All that were logged when the index was exchanged. */
  readonly entries: bigint
  /** Entries that nothing finds, because they cannot be read. */
  readonly unreadable: number
}

/** What is left for the transaction that exchanges the tables, at the most, when writers do not outrun it. */
const fewEntries = 2048n
const mostRounds = 10

/**
 * Throws RekorLogError `not_found` without a log, `busy` while another process does the same, and `unavailable` once the connection
 * that keeps others from it is lost. What the database has no connection
 * for is tried again for half a minute, since the next call begins from nothing.
 */
export async function reindex(options: ReindexOptions): Promise<Reindexed> {
  const { name = 'rekor-v1' } = options
  const pool = patientPool(options.pool, options)
  await migrateLogs(pool)
  const [first] = await shardsOfLog(pool, name)
  const logId = first?.logId ?? Buffer.alloc(32)
  await migrateSearch(pool, { name, logId })
  await ensurePosition(pool, logId)
  return alone(pool, (lock) => rebuild({ ...options, pool }, logId, lock))
}

/** The lock is a transaction's, so a process that dies leaves none behind, also where a pooler shares connections. */
async function alone<Result>(pool: Pool, work: (lock: Queryable) => Promise<Result>): Promise<Result> {
  return inTransaction(pool, async (tx) => {
    // It waits for hours, and is not to be taken for a client that has vanished.
    await tx.query('set local idle_in_transaction_session_timeout = 0')
    const { rows } = await tx.query<{ taken: boolean }>(
      `select pg_try_advisory_xact_lock(hashtextextended('${rebuildPrefix} ' || current_schema(), 0)) as taken`,
    )
    if (rows[0]?.taken !== true) {
      throw new RekorLogError(
        'busy',
        'the search index is being built anew by another process; wait for its end',
      )
    }
    return work(tx)
  })
}

/** Throws where the connection that holds the lock is gone: another process may have it by now. */
async function assertAlone(lock: Queryable): Promise<void> {
  try {
    await lock.query('select')
  } catch (cause) {
    throw new RekorLogError(
      'unavailable',
      'the connection that kept other processes from building the search index anew was lost; begin again',
      { cause },
    )
  }
}

async function rebuild(options: ReindexOptions, logId: Buffer, lock: Queryable): Promise<Reindexed> {
  const { pool, name = 'rekor-v1', onProgress = () => {}, onSorting = () => {} } = options
  const searched = searchTableOf(name)
  const table: RebuildTable = `${rebuildPrefix}_${randomBytes(4).toString('hex')}`
  let unreadable = 0
  let at = 0n
  let ranges = 0n

  /** Reads on to the end that the log has now. Pages are written in any order: it counts once it is whole. */
  async function readOn(db: Queryable): Promise<bigint> {
    const shards = await shardsOfLog(db, name)
    const end = lengthOf(shards)
    const start = at
    for (; ranges <= rangeFor(end); ranges++) await addRange(db, table, ranges)
    const threads = createKeyThreads({
      logId,
      onKeys: async (keys) => {
        unreadable += keys.unreadable
        await writeKeys(db, keys.entries[0]?.leafIndex ?? 0n, keys.entries, table)
      },
    })
    try {
      for await (const page of readStoredEntries(db, shards, start, end)) {
        await assertAlone(lock)
        await threads.push(page)
        // A transaction has one connection, which does one thing at a time.
        if (db !== pool) await threads.drain()
        at = (page.at(-1)?.leafIndex ?? at) + 1n
        onProgress(at, end)
      }
      await threads.drain()
    } finally {
      await threads.stop()
    }
    if (at < end) throw new RekorLogError('not_found', `entry ${at} is missing; run \`sigstack log audit\``)
    return end - start
  }

  await dropInterrupted(pool)
  await pool.query(`create table ${table} (${keyColumns}) partition by range (leaf_index)`)
  for (let round = 0; round < mostRounds && (await readOn(pool)) > fewEntries; round++);
  onSorting()
  await pool.query(`alter table ${table} add primary key (key, leaf_index)`)
  for (let round = 0; round < mostRounds && (await readOn(pool)) > fewEntries; round++);
  await assertAlone(lock)
  // As the follower does: first its turn, then the table.
  await lock.query('select from search_position where log_id = $1 for no key update', [logId])
  await readOn(lock)
  await lock.query(`drop table ${searched}`)
  await rename(lock, table, searched)
  for (let range = 0n; range < ranges; range++)
    await rename(lock, `${table}_r${range}`, `${searched}_r${range}`)
  await lock.query('update search_position set next_index = $2, facts_from = 0 where log_id = $1', [
    logId,
    at,
  ])
  return { entries: at, unreadable }
}

async function dropInterrupted(pool: Pool): Promise<void> {
  const { rows } = await pool.query<{ name: string }>(
    `select tablename as name from pg_tables
      where schemaname = current_schema() and tablename ~ '^${rebuildPrefix}(_[0-9a-f]{8})?$'`,
  )
  for (const { name } of rows) await pool.query(`drop table if exists ${name}`)
}

async function rename(tx: Queryable, from: KeyTable, to: KeyTable): Promise<void> {
  await tx.query(`alter table ${from} rename to ${to}; alter index ${from}_pkey rename to ${to}_pkey`)
}
