import type { Queryable } from '@sigstack/postgres'
import type { SearchTable } from './store.ts'

/** Each key's first few come out of the index in order, and no more of them are read. */
const statementOf = (table: SearchTable) => ({
  name: `first-under-${table}`,
  text: `select distinct found.leaf_index from unnest($1::bigint[]) as wanted(key)
    cross join lateral
      (select leaf_index from ${table} as row where row.key = wanted.key order by leaf_index limit $2) as found
    order by leaf_index limit $2`,
})

/** The oldest entries under any of the keys: so few that writers may ask for them. */
export async function firstUnder(
  db: Queryable,
  table: SearchTable,
  keys: readonly bigint[],
  limit: number,
): Promise<readonly bigint[]> {
  const { rows } = await db.query<{ leaf_index: bigint }>(statementOf(table), [keys, limit])
  return rows.map(({ leaf_index: leafIndex }) => leafIndex)
}
