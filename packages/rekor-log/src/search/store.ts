/** The SQL of the search index. */
import type { Pool, Queryable } from '@sigstack/postgres'
import { inTransaction, migrate } from '@sigstack/postgres'
import { divide } from './divide.ts'
import { addRange, lackingRange } from './ranges.ts'

export const migrations = {
  component: 'log-search',
  directory: new URL('./migrations/', import.meta.url),
} as const

/** Logs that are indexed, by their name in the database: that of Rekor v1, and those of Rekor v2, which follow each other. */
export type SearchedLog = 'rekor-v1' | 'rekor-v2' | `rekor-v2/${number}`
/** Rows do not say of which log they are, so each log has a table of its own. */
export type SearchTable = 'search_key' | 'search_key_rekor_v2' | `search_key_rekor_v2_${number}`

export function isSearchedLog(name: string): name is SearchedLog {
  return name === 'rekor-v1' || name === 'rekor-v2' || /^rekor-v2\/[1-9]\d{0,3}$/.test(name)
}

/** Which of the logs of Rekor v2 it is; 0 is the first. */
export function numberInLine(name: SearchedLog): number {
  return Number(name.split('/')[1] ?? 0)
}

export function searchTableOf(name: SearchedLog): SearchTable {
  if (name === 'rekor-v1') return 'search_key'
  const number = numberInLine(name)
  return number === 0 ? 'search_key_rekor_v2' : `search_key_rekor_v2_${number}`
}

/** The schema, with the table of that log, divided into ranges. `logId` names the index of one that is there already. */
export async function migrateSearch(
  pool: Pool,
  { name, logId }: { readonly name: SearchedLog; readonly logId?: Uint8Array | undefined },
): Promise<void> {
  await migrate(pool, migrations)
  const table = searchTableOf(name)
  if (numberInLine(name) > 0)
    await pool.query(`create table if not exists ${table} (like ${searchTableOf('rekor-v2')} including all)`)
  await divide(pool, table, logId === undefined ? 0n : await readPosition(pool, logId))
}

/** The search keys of one entry, as `searchKeyOf` makes them. */
export type IndexedEntry = { readonly leafIndex: bigint; readonly keys: readonly bigint[] }

/**
 * Takes the next turn at following the log: `index` gets the position and says what was found from there on. `undefined`
 * when another process has the turn; otherwise the position afterwards.
 */
export async function advance(
  pool: Pool,
  { logId, table }: { readonly logId: Uint8Array; readonly table: SearchTable },
  index: (from: bigint, tx: Queryable) => Promise<readonly IndexedEntry[]>,
): Promise<bigint | undefined> {
  return inTransaction(
    pool,
    async (tx) => {
      // Nothing is lost when a crash forgets the last turns: position and keys are forgotten together.
      await tx.query('set local synchronous_commit = off')
      const { rows } = await tx.query<{ next_index: bigint; lacking: bigint | null }>(
        `select next_index, ${lackingRange(table, 'next_index')} as lacking
           from search_position where log_id = $1 for no key update skip locked`,
        [logId],
      )
      const [position] = rows
      if (position === undefined) return undefined
      const { next_index: from, lacking } = position
      const entries = await index(from, tx)
      const last = entries.at(-1)
      if (last === undefined) return from
      if (lacking !== null) await addRange(tx, table, lacking)
      await writeKeys(tx, from, entries, table)
      const next = last.leafIndex + 1n
      await tx.query('update search_position set next_index = $2 where log_id = $1', [logId, next])
      return next
    },
    { repeatable: true },
  )
}

export async function ensurePosition(db: Queryable, logId: Uint8Array): Promise<void> {
  await db.query('insert into search_position (log_id) values ($1) on conflict do nothing', [logId])
}

/** Entries below it can be found. */
export async function readPosition(db: Queryable, logId: Uint8Array): Promise<bigint> {
  const { rows } = await db.query<{ next_index: bigint }>({
    name: 'search-position',
    text: 'select next_index from search_position where log_id = $1',
    values: [logId],
  })
  return rows[0]?.next_index ?? 0n
}

/** Entries below it have keys of an older form. */
export async function readFactsFrom(db: Queryable, logId: Uint8Array): Promise<bigint> {
  const { rows } = await db.query<{ facts_from: bigint }>(
    'select facts_from from search_position where log_id = $1',
    [logId],
  )
  return rows[0]?.facts_from ?? 0n
}

export const rebuildPrefix = 'search_key_rebuild'
/** An index that is to take the place of another: each that is built has a name of its own. */
export type RebuildTable = `${typeof rebuildPrefix}_${string}`

/** @param table Where the rows go. */
export async function writeKeys(
  tx: Queryable,
  from: bigint,
  entries: readonly IndexedEntry[],
  table: SearchTable | RebuildTable,
): Promise<void> {
  const keys: string[] = []
  const offsets: number[] = []
  for (const entry of entries) {
    for (const key of entry.keys) {
      keys.push(String(key))
      offsets.push(Number(entry.leafIndex - from))
    }
  }
  if (keys.length === 0) return
  await tx.query({
    name: `search-write-keys-${table}`,
    text: `insert into ${table} (key, leaf_index)
             select key, $2::bigint + distance
               from unnest($1::bigint[], $3::int[]) as rows (key, distance)
               on conflict do nothing`,
    values: [`{${keys.join()}}`, from, offsets],
  })
}
