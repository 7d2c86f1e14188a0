/**
 * Making a table of search keys that is whole, as the migrations make it and releases before this one have filled it, the first range
 * of a divided one, while others read and write it. A crash leaves it whole or divided, and the next call goes on.
 */
import { inTransaction, type Pool, PostgresError, type Queryable } from '@sigstack/postgres'
import { entriesPerRange, type KeyTable, keyColumns, rangeFor } from './ranges.ts'

/** Who wants to read waits behind one that waits for the lock; an autovacuum gives way after a second. */
const lockTimeout = '3s'
/** Reading it through takes so long nowhere. */
const validationTimeoutMs = 86_400_000

/**
 * What takes long, reading the table through once, keeps nobody out. A table stays whole, which is slower and not wrong, where another
 * program does not let go of it, or where it has rows that no entry can have.
 *
 * @param nextIndex How far the log is indexed.
 */
export async function divide(pool: Pool, table: KeyTable, nextIndex: bigint): Promise<void> {
  if ((await formOf(pool, table)).isDivided) return
  const bound = boundOf(table)
  const end = (rangeFor(nextIndex) + 1n) * entriesPerRange
  try {
    await alone(pool, table, async (tx, form) => {
      if (form.end !== undefined) return
      await tx.query(`alter table ${table} add constraint ${bound} check (leaf_index < ${end}) not valid`)
    })
    // Another process may have done it, and all that follows.
    if ((await formOf(pool, table)).isDivided) return
    await pool.query({
      text: `alter table ${table} validate constraint ${bound}`,
      timeoutMs: validationTimeoutMs,
    })
    await alone(pool, table, exchange)
  } catch (error) {
    const isBusy = error instanceof PostgresError && error.code === 'try_again'
    if (isBusy || (await formOf(pool, table)).isDivided) return
    if (!isViolation(error)) throw error
    // Nobody may be kept from writing by what cannot become true.
    await pool.query(`alter table ${table} drop constraint if exists ${bound}`)
  }
}

function boundOf(table: KeyTable): string {
  return `${table}_bound`
}

type Form = {
  readonly isDivided: boolean
  /** Where the first range is to end, once that is said. */
  readonly end: bigint | undefined
}

async function formOf(db: Queryable, table: KeyTable): Promise<Form> {
  const { rows } = await db.query<{ is_divided: boolean; bound: string | null }>(
    `select relkind = 'p' as is_divided, pg_get_constraintdef(bound.oid) as bound
       from pg_class left join pg_constraint as bound on conrelid = pg_class.oid and conname = '${boundOf(table)}'
      where pg_class.oid = '${table}'::regclass`,
  )
  const end = /\d+/.exec(rows[0]?.bound ?? '')?.[0]
  return {
    isDivided: rows[0]?.is_divided === true,
    end: end === undefined ? undefined : BigInt(end),
  }
}

/** With the table to itself for a moment, where it is whole still. */
async function alone(
  pool: Pool,
  table: KeyTable,
  work: (tx: Queryable, form: Form, table: KeyTable) => Promise<void>,
): Promise<void> {
  await inTransaction(pool, async (tx) => {
    await tx.query(`set local lock_timeout = '${lockTimeout}'`)
    await tx.query(`lock table ${table} in access exclusive mode`)
    const form = await formOf(tx, table)
    if (!form.isDivided) await work(tx, form, table)
  })
}

/** Its rows are known to lie below the end, so they are not read again. */
async function exchange(tx: Queryable, { end }: Form, table: KeyTable): Promise<void> {
  if (end === undefined) return
  const first = `${table}_r${end / entriesPerRange - 1n}`
  await tx.query(
    `alter table ${table} rename to ${first};
     alter index ${table}_pkey rename to ${first}_pkey;
     create table ${table} (${keyColumns}, primary key (key, leaf_index)) partition by range (leaf_index);
     alter table ${table} attach partition ${first} for values from (0) to (${end});
     alter table ${first} drop constraint ${boundOf(table)}`,
  )
}

/** PostgreSQL's `check_violation`. */
function isViolation(error: unknown): boolean {
  return (error as { readonly code?: unknown }).code === '23514'
}
