/**
 * One page of a search. It looks at a bounded number of candidates, so what grows with the log is a look into the index of each range
 * alone: a page may be short although more follow, and says where to go on.
 */
import type { Queryable } from '@sigstack/postgres'
import type { SearchTable } from './store.ts'
import { type Window, windowsOf } from './windows.ts'

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
const candidatesPerPage = 40_000
/** Groups with more entries than this all count as frequent. */
const frequent = 1_000

/** @param length Of the log, as far as is known; entries beyond it are found too. */
export async function findPage(
  db: Queryable,
  table: SearchTable,
  query: PageQuery<bigint>,
  length: bigint,
): Promise<Page> {
  const { order, limit, excluded } = query
  const groups =
    query.operator === 'or' && query.criteria.length > 0 ? [query.criteria.flat()] : query.criteria
  const all = [...groups, ...query.required]
  const found: bigint[] = []
  let candidatesLeft = candidatesPerPage

  function pageUpTo(place: bigint): Page {
    const isLast = order === 'newest' ? place <= query.first : place >= query.end
    return { leafIndexes: found, next: isLast ? undefined : place }
  }

  for (const window of windowsOf(query, length)) {
    const base = all.length > 1 ? await rarest(db, table, all, window) : all[0]
    const filters = all.filter((group) => group !== base)
    let { first, end } = window
    while (first < end) {
      const wanted = limit - found.length + 1
      const { hits, candidates, edge } = await step(db, table, {
        base,
        filters,
        excluded,
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
      if (order === 'newest') end = edge ?? first
      else first = edge === undefined ? end : edge + 1n
      candidatesLeft -= candidates
      // A full page with nothing known to follow: the next one finds out.
      if (found.length === limit || candidatesLeft <= 0) return pageUpTo(order === 'newest' ? end : first)
    }
  }
  return { leafIndexes: found, next: undefined }
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

type Seen = {
  readonly hits: readonly bigint[]
  /** So many were looked at. */
  readonly candidates: number
  /** The last of them, where there may be more. */
  readonly edge: bigint | undefined
}

async function step(db: Queryable, table: SearchTable, step: Step): Promise<Seen> {
  const { order, wanted } = step
  const direction = order === 'newest' ? 'desc' : 'asc'
  // Where nothing is left out, every candidate is a hit.
  const isPlain = step.filters.length === 0 && step.excluded.length === 0
  const most = isPlain ? Math.min(wanted, candidatesPerStep) : candidatesPerStep
  const values: unknown[] = [step.first, step.end]
  const value = (given: unknown) => `$${values.push(given)}`
  let { first, end } = step
  if (step.base === undefined) {
    const many = BigInt(most)
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
                  order by leaf_index ${direction} limit ${most})`,
          )
          .join(' union all ')}) as found order by leaf_index ${direction} limit ${most}`
  const under = (keys: readonly bigint[]) =>
    // `offset 0` keeps it a look-up for each candidate: joined, every entry under the keys would be read. The bounds say which ranges there are.
    `exists (select from ${table} as other where key = any (${value(keys)}::bigint[]) and other.leaf_index = scanned.leaf_index
        and other.leaf_index >= $1 and other.leaf_index < $2 offset 0)`
  const conditions = [
    ...step.filters.map(under),
    ...(step.excluded.length === 0 ? [] : [`not ${under(step.excluded)}`]),
  ]
  // As one row: the driver's cost is by the row.
  const { rows } = await db.query<{
    hits: readonly bigint[] | null
    candidates: number
    edge: bigint | null
  }>(
    `with scanned as materialized (${scan}),
       hit as (select leaf_index from scanned ${conditions.length === 0 ? '' : `where ${conditions.join(' and ')}`}
                order by leaf_index ${direction} limit ${value(wanted)})
     select (select array_agg(leaf_index order by leaf_index ${direction}) from hit) as hits,
            (select count(*)::int from scanned) as candidates,
            (select ${order === 'newest' ? 'min' : 'max'}(leaf_index) from scanned having count(*) >= ${most}) as edge`,
    values,
  )
  const [row] = rows
  return { hits: row?.hits ?? [], candidates: row?.candidates ?? 0, edge: row?.edge ?? undefined }
}

/** The group with the fewest entries in the range, counted no further than tells them apart. */
async function rarest(
  db: Queryable,
  table: SearchTable,
  groups: readonly (readonly bigint[])[],
  { first, end }: Window,
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
