/** The SQL of the search index. */
import type { Pool, Queryable } from '@sigstack/postgres'
import { inTransaction } from '@sigstack/postgres'

export const migrations = {
  component: 'log-search',
  directory: new URL('./migrations/', import.meta.url),
} as const

/** Logs that are indexed, by their name in the database, and the table of each. */
export const searchTables = { 'rekor-v1': 'search_key', 'rekor-v2': 'search_key_rekor_v2' } as const
export type SearchedLog = keyof typeof searchTables
export type SearchTable = (typeof searchTables)[SearchedLog]

export function isSearchedLog(name: string): name is SearchedLog {
  return Object.hasOwn(searchTables, name)
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
      const { rows } = await tx.query<{ next_index: bigint }>(
        'select next_index from search_position where log_id = $1 for no key update skip locked',
        [logId],
      )
      const from = rows[0]?.next_index
      if (from === undefined) return undefined
      const entries = await index(from, tx)
      const last = entries.at(-1)
      if (last === undefined) return from
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

/** @param table Where the rows go: into the index, or into the one that is to take its place. */
export async function writeKeys(
  tx: Queryable,
  from: bigint,
  entries: readonly IndexedEntry[],
  table: SearchTable | 'search_key_rebuild',
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
