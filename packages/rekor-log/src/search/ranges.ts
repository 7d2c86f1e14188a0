/**
 * A table of search keys is divided by leaf index into ranges of one size, so that keys, whose places in an index are random, are
 * written to the newest range alone: its pages stay in memory, and few of them are written whole behind each checkpoint (ADR 10).
 *
 * The ranges are partitions, so whoever reads or writes names the table and not them. Range n is `TABLE_rN`, and its being there says
 * that all entries below (n + 1) × {@link entriesPerRange} have a place. The first may be longer: it is what `divide` has found.
 */
import type { Queryable } from '@sigstack/postgres'

/** At three keys of its own an entry the index of a range has 220 MB at most. A thousand million entries have 477 ranges. */
export const entriesPerRange = 2_097_152n
/** A range is made so many entries before it is needed: a release that knows of none makes none. */
const entriesAhead = entriesPerRange / 2n

/** A name that is safe in SQL. */
export type KeyTable = `search_key${string}`

/** Of a table that is divided: its ranges begin at 0. */
export const keyColumns = 'key bigint not null, leaf_index bigint not null'

/** The range that has to be there when entries from `leafIndex` on are written. */
export function rangeFor(leafIndex: bigint): bigint {
  return (leafIndex + entriesAhead) / entriesPerRange
}

/**
 * An expression: {@link rangeFor} of `leafIndex`, an expression too, where `table` has no such range, else null. A table that is whole
 * lacks none.
 */
export function lackingRange(table: KeyTable, leafIndex: string): string {
  const range = `(${leafIndex} + ${entriesAhead}) / ${entriesPerRange}`
  return `(select ${range} from pg_class where oid = to_regclass('${table}') and relkind = 'p'
             and to_regclass('${table}_r' || (${range})) is null)`
}

/** At once or not at all, and without keeping out who reads or writes: the table is locked against other changes of its form alone. */
export async function addRange(db: Queryable, table: KeyTable, range: bigint): Promise<void> {
  const name = `${table}_r${range}`
  const start = range * entriesPerRange
  await db.query(
    `create table ${name} (like ${table} including all);
     alter table ${table} attach partition ${name} for values from (${start}) to (${start + entriesPerRange})`,
  )
}
