/**
 * One page of a search. Each step looks at a bounded number of candidates, so the cost of a page does not grow with the log: a page may
 * be short although more follow, and says where to go on.
 */
import type { Queryable } from '@sigstack/postgres'
import type { SearchTable } from './store.ts'

export type PageQuery<Key> = {
  /** Each is a list of keys of which one is enough; `operator` joins them. */
  readonly criteria: readonly (readonly Key[])[]
  readonly operator: 'and' | 'or'
  /** Beside the criteria, one key of each of these is needed. */
  readonly required: readonly (readonly Key[])[]
  /** Entries under one of these are left out. */
  readonly excluded: readonly Key[]
  /** Leaf indexes from `first` on and below `end`. */
  readonly first: bigint
  readonly end: bigint
  readonly order: 'newest' | 'oldest'
  readonly limit: number
}

export type Page = {
  /** In the order asked for. */
  readonly leafIndexes: readonly bigint[]
  /** The `end` (newest first) or `first` (oldest first) of the next page; `undefined` when nothing is left. */
  readonly next: bigint | undefined
}

const candidatesPerStep = 5_000
const stepsPerPage = 8
/** Groups with more entries than this all count as frequent. */
const frequent = 1_000

export async function findPage(db: Queryable, table: SearchTable, query: PageQuery<bigint>): Promise<Page> {
  const { order, limit } = query
  const groups =
    query.operator === 'or' && query.criteria.length > 0 ? [query.criteria.flat()] : query.criteria
  const all = [...groups, ...query.required]
  const base = all.length > 1 ? await rarest(db, table, all, query) : all[0]
  const filters = all.filter((group) => group !== base)
  let { first, end } = query
  const found: bigint[] = []
  for (let steps = 0; steps < stepsPerPage && first < end; steps++) {
    const wanted = limit - found.length + 1
    const { hits, edge } = await step(db, table, {
      base,
      filters,
      excluded: query.excluded,
      first,
      end,
      order,
      wanted,
    })
    found.push(...hits)
    const surplus = found[limit]
    if (surplus !== undefined) {
      return { leafIndexes: found.slice(0, limit), next: order === 'newest' ? surplus + 1n : surplus }
    }
    if (edge === undefined) return { leafIndexes: found, next: undefined }
    if (order === 'newest') end = edge
    else first = edge + 1n
    // A full page with nothing known to follow: the next one finds out.
    if (found.length === limit) break
  }
  return { leafIndexes: found, next: first < end ? (order === 'newest' ? end : first) : undefined }
}

type Step = {
  /** Without it every entry is a candidate. */
  readonly base: readonly bigint[] | undefined
  readonly filters: readonly (readonly bigint[])[]
  readonly excluded: readonly bigint[]
  readonly first: bigint
  readonly end: bigint
  readonly order: 'newest' | 'oldest'
  readonly wanted: number
}

/** `edge` is the last candidate that was looked at, where there may be more. */
async function step(
  db: Queryable,
  table: SearchTable,
  step: Step,
): Promise<{ hits: readonly bigint[]; edge: bigint | undefined }> {
  const { order, wanted } = step
  const direction = order === 'newest' ? 'desc' : 'asc'
  const values: unknown[] = [step.first, step.end]
  const value = (given: unknown) => `$${values.push(given)}`
  let { first, end } = step
  if (step.base === undefined) {
    const many = BigInt(candidatesPerStep)
    if (order === 'newest' && end - first > many) first = end - many
    if (order === 'oldest' && end - first > many) end = first + many
    values[0] = first
    values[1] = end
  }
  const scan =
    step.base === undefined
      ? 'select leaf_index from generate_series($1::bigint, $2::bigint - 1) as leaf_index'
      : // Each key's newest (or oldest) come from the index in order, and only so many are read.
        `select distinct leaf_index from (${step.base
          .map(
            (key) =>
              `(select leaf_index from ${table} where key = ${value(key)} and leaf_index >= $1 and leaf_index < $2
                  order by leaf_index ${direction} limit ${candidatesPerStep})`,
          )
          .join(' union all ')}) as found order by leaf_index ${direction} limit ${candidatesPerStep}`
  const under = (keys: readonly bigint[]) =>
    // `offset 0` keeps it a look-up for each candidate: joined, every entry under the keys would be read.
    `exists (select from ${table} as other where key = any (${value(keys)}::bigint[]) and other.leaf_index = scanned.leaf_index offset 0)`
  const conditions = [
    ...step.filters.map(under),
    ...(step.excluded.length === 0 ? [] : [`not ${under(step.excluded)}`]),
  ]
  // As one row: the driver's cost is by the row.
  const { rows } = await db.query<{ hits: readonly bigint[] | null; edge: bigint | null }>(
    `with scanned as materialized (${scan}),
       hit as (select leaf_index from scanned ${conditions.length === 0 ? '' : `where ${conditions.join(' and ')}`}
                order by leaf_index ${direction} limit ${value(wanted)})
     select (select array_agg(leaf_index order by leaf_index ${direction}) from hit) as hits,
            (select ${order === 'newest' ? 'min' : 'max'}(leaf_index) from scanned having count(*) >= ${candidatesPerStep}) as edge`,
    values,
  )
  const [row] = rows
  return { hits: row?.hits ?? [], edge: row?.edge ?? undefined }
}

/** The group with the fewest entries in the range, counted no further than tells them apart. */
async function rarest(
  db: Queryable,
  table: SearchTable,
  groups: readonly (readonly bigint[])[],
  { first, end }: Pick<PageQuery<bigint>, 'first' | 'end'>,
): Promise<readonly bigint[] | undefined> {
  const { rows } = await db.query<{ counts: readonly bigint[] }>(
    `select array[${groups
      .map(
        (_, i) =>
          `(select count(*) from (select from ${table} where key = any ($${i + 3}::bigint[])
              and leaf_index >= $1 and leaf_index < $2 limit ${frequent}) as counted)`,
      )
      .join(', ')}] as counts`,
    [first, end, ...groups],
  )
  const counts = rows[0]?.counts ?? []
  const least = counts.reduce((smallest, count, i) => (count < (counts[smallest] ?? count) ? i : smallest), 0)
  return groups[least]
}
