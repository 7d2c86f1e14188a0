/**
 * What we rely on in a session, said and not assumed: a server, a database or a role may have other defaults, meant for other
 * programs. The schema stays theirs to choose: `search_path` is how a role says where our tables are.
 */
const relied: Readonly<Record<string, string>> = {
  // A turn is a row lock, and what is read after it must be what the turn before has left.
  default_transaction_isolation: 'read committed',
  default_transaction_read_only: 'off',
  default_transaction_deferrable: 'off',
  // Limits of time are ours, for each statement (see `queryTimeoutMs`); migrations and backups take as long as they take.
  statement_timeout: '0',
  lock_timeout: '0',
  transaction_timeout: '0',
  idle_session_timeout: '0',
  // How values are written.
  standard_conforming_strings: 'on',
  array_nulls: 'on',
  bytea_output: 'hex',
  DateStyle: 'ISO, MDY',
  IntervalStyle: 'postgres',
  TimeZone: 'UTC',
}

/** Values of `synchronous_commit` with which a commit may be answered before it is on disk. */
const lossy = "('off')"

/** Left in each session that is made ready: a new one that has it already is lent by a pooler, and was another's before. */
const mark = 'sigstack.session'

/** One statement for a new session, whose row says whether it `is_used`. Settings that this server's version has not are passed over. */
export function sessionSettings(idleInTransactionTimeoutMs: number): {
  readonly text: string
  readonly values: readonly unknown[]
} {
  const settings = {
    ...relied,
    idle_in_transaction_session_timeout: String(idleInTransactionTimeoutMs),
    synchronous_commit: 'on',
  }
  return {
    text: `with before as materialized (select coalesce(current_setting('${mark}', true), '') <> '' as is_used),
             done as materialized (
               select count(set_config(relied.name, relied.value, false))
                 from unnest($1::text[], $2::text[]) as relied (name, value), before
                where current_setting(name, true) is not null
                  and (name <> 'synchronous_commit' or current_setting(name) in ${lossy})
             )
           select before.is_used, set_config('${mark}', 'ready', false) from before, done`,
    values: [Object.keys(settings), Object.values(settings)],
  }
}

/** Whatever the session says: it may be another one for each transaction, where a pooler shares them. */
export const beginTransaction = 'begin isolation level read committed read write'

/** The same for a session that nobody has prepared, in one message. */
export function beginUnprepared(idleInTransactionTimeoutMs: number): string {
  return [
    beginTransaction,
    'set local statement_timeout = 0',
    'set local lock_timeout = 0',
    `set local idle_in_transaction_session_timeout = ${idleInTransactionTimeoutMs}`,
    `select set_config('synchronous_commit', 'on', true) where current_setting('synchronous_commit') in ${lossy}`,
  ].join('; ')
}
