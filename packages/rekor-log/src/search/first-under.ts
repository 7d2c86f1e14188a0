import type { Queryable } from '@sigstack/postgres'
import type { SearchTable } from './store.ts'
import { windowsOf } from './windows.ts'

/** Each key's first few come out of the index in order, and no more of them are read. Has no name: a plan for all windows is one for all ranges. */
const statementOf = (table: SearchTable) =>
  `select distinct found.leaf_index from unnest($1::bigint[]) as wanted(key)
    cross join lateral
      (select leaf_index from ${table} as row where row.key = wanted.key and leaf_index >= $3 and leaf_index < $4
        order by leaf_index limit $2) as found
    order by leaf_index limit $2`

/**
 * The oldest entries under any of the keys: so few that writers may ask for them.
 *
 * @param length Of the log, as far as is known; entries beyond it are found too.
 */
export async function firstUnder(
  db: Queryable,
  table: SearchTable,
  keys: readonly bigint[],
  { limit, length }: { readonly limit: number; readonly length: bigint },
): Promise<readonly bigint[]> {
  const found: bigint[] = []
  for (const { first, end } of windowsOf({ first: 0n, end: largestIndex, order: 'oldest' }, length)) {
    const values = [keys, limit - found.length, first, end]
    const { rows } = await db.query<{ leaf_index: bigint }>(statementOf(table), values)
    found.push(...rows.map(({ leaf_index: leafIndex }) => leafIndex))
    if (found.length === limit) break
  }
  return found
}

/** PostgreSQL's bigint ends here. */
export const largestIndex = 2n ** 63n - 1n
