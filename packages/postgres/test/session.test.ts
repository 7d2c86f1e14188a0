import { randomBytes } from 'node:crypto'
import t, { type Test } from 'tap'
import { createPool, inTransaction, isUnavailable, type Pool } from '../src/index.ts'
import { testDatabase } from '../src/testing.ts'

/** What a database may say for other programs, with the value that we need. */
const defaults: readonly (readonly [name: string, theirs: string, ours: string])[] = [
  ['default_transaction_isolation', 'serializable', 'read committed'],
  ['default_transaction_read_only', 'on', 'off'],
  ['default_transaction_deferrable', 'on', 'off'],
  ['statement_timeout', '1s', '0'],
  ['lock_timeout', '1s', '0'],
  ['idle_in_transaction_session_timeout', '1', '0'],
  ['idle_session_timeout', '1s', '0'],
  ['standard_conforming_strings', 'off', 'on'],
  ['array_nulls', 'off', 'on'],
  ['bytea_output', 'escape', 'hex'],
  ['DateStyle', 'German, DMY', 'ISO, MDY'],
  ['IntervalStyle', 'sql_standard', 'postgres'],
  ['TimeZone', 'Asia/Kathmandu', 'UTC'],
  ['synchronous_commit', 'off', 'on'],
]

/** A role of its own with these defaults, and a pool that logs in as it. */
async function poolWithDefaults(t: Test, settings: readonly (readonly [string, string])[]): Promise<Pool> {
  const { pool, connectionString, schema } = await testDatabase(t)
  const role = `test_role_${randomBytes(6).toString('hex')}`
  await pool.query(`create role ${role} login password 'secret'`)
  await pool.query(`grant all on schema ${schema} to ${role}`)
  for (const [name, value] of settings) await pool.query(`alter role ${role} set ${name} = '${value}'`)
  const url = new URL(connectionString)
  url.username = role
  url.password = 'secret'
  const theirs = createPool({ connectionString: url.href })
  t.teardown(async () => {
    await theirs.end()
    await pool.query(`drop owned by ${role}`)
    await pool.query(`drop role ${role}`)
  })
  return theirs
}

t.test('defaults that a database has for other programs do not count in our sessions', async (t) => {
  const pool = await poolWithDefaults(
    t,
    defaults.map(([name, theirs]) => [name, theirs]),
  )
  for (const [name, , ours] of defaults)
    t.equal((await pool.query('select current_setting($1) as value', [name])).rows[0]?.value, ours, name)
  await pool.query('create table thing (id int8)')
  await inTransaction(pool, async (tx) => {
    const { rows } = await tx.query(
      `select current_setting('transaction_isolation') as isolation, pg_sleep(0.05)`,
    )
    t.match(rows, [{ isolation: 'read committed' }])
    await tx.query('insert into thing select * from unnest($1::int8[])', [[1n, null]])
  })
  const { rows } = await pool.query(`select array_agg(id) as ids, '\\x0001'::bytea as bytes from thing`)
  t.strictSame(rows, [{ ids: [1n, null], bytes: Buffer.of(0, 1) }])
})

t.test('a stronger promise than ours about commits stays', async (t) => {
  const pool = await poolWithDefaults(t, [['synchronous_commit', 'remote_apply']])
  const { rows } = await pool.query(`select current_setting('synchronous_commit') as value`)
  t.strictSame(rows, [{ value: 'remote_apply' }])
})

t.test('the time that a transaction may be idle is what the pool says', async (t) => {
  const { connectionString } = await testDatabase(t)
  const pool = createPool({ connectionString, idleInTransactionTimeoutMs: 5_000 })
  t.teardown(() => pool.end())
  const { rows } = await pool.query(`select current_setting('idle_in_transaction_session_timeout') as value`)
  t.strictSame(rows, [{ value: '5s' }])
})

const sqlStates = {
  '40001': 'serialization_failure',
  '40P01': 'deadlock_detected',
  '55P03': 'lock_not_available',
}

for (const [state, name] of Object.entries(sqlStates)) {
  t.test(`what the server asks to try again (${name}) is tried again where it may be`, async (t) => {
    const { pool } = await testDatabase(t)
    await pool.query('create table thing (id int8)')
    let left = 2
    const work = async (tx: { query: Pool['query'] }) => {
      await tx.query('insert into thing values (1)')
      if (left-- > 0) await tx.query(`do $$ begin raise sqlstate '${state}'; end $$`)
      return 'done'
    }
    const error: unknown = await inTransaction(pool, work).catch((cause: unknown) => cause)
    t.match(error, { name: 'PostgresError', code: 'try_again' })
    t.ok(isUnavailable(error), 'and is temporary where it may not')
    t.equal(await inTransaction(pool, work, { repeatable: true }), 'done')
    t.equal((await pool.query('select from thing')).rowCount, 1)
    left = 1_000
    await t.rejects(inTransaction(pool, work, { repeatable: true }), { code: 'try_again' })
    t.ok(left > 900, 'but not for ever')
  })
}

t.test('a commit that the server refuses for the sake of another is no unknown outcome', async (t) => {
  const { pool } = await testDatabase(t)
  await pool.query('create table thing (id int8)')
  await pool.query(`create function refuse() returns trigger language plpgsql as
    $$ begin raise sqlstate '40001'; end $$`)
  await pool.query(`create constraint trigger refuse after insert on thing deferrable initially deferred
    for each row execute function refuse()`)
  await t.rejects(
    inTransaction(pool, (tx) => tx.query('insert into thing values (1)')),
    { code: 'try_again' },
  )
})

t.test(
  'a statement that another session has prepared is sent whole, and a transaction says so',
  async (t) => {
    const { pool, connectionString } = await testDatabase(t)
    const told: string[] = []
    const shared = createPool({
      connectionString,
      maxConnections: 1,
      idleInTransactionTimeoutMs: 5_000,
      onError: (error) => told.push(error.message),
    })
    t.teardown(() => shared.end())
    const statement = { name: 'one', text: 'select 1 as one' }
    const one = { rows: [{ one: 1 }] }
    t.match(await shared.query(statement), one)
    t.equal((await shared.query('select from pg_prepared_statements')).rowCount, 1)
    // As a pooler does it: the session that comes next is not the one in which the statement was prepared.
    await shared.query('deallocate all')
    await t.rejects(
      inTransaction(shared, (tx) => tx.query(statement)),
      { code: 'try_again' },
    )
    t.match(told, [/a pooler between here and the database shares its sessions/])
    t.match(await shared.query(statement), one)
    t.equal((await shared.query('select from pg_prepared_statements')).rowCount, 0)
    await shared.query(`set synchronous_commit = off; set statement_timeout = '1s'; set lock_timeout = '1s'`)
    const { rows } = await inTransaction(shared, (tx) =>
      tx.query(`select current_setting('synchronous_commit') as commits, current_setting('statement_timeout') as statements,
                current_setting('lock_timeout') as locks, current_setting('idle_in_transaction_session_timeout') as idle`),
    )
    t.strictSame(rows, [{ commits: 'on', statements: '0', locks: '0', idle: '5s' }])
    t.equal(told.length, 1)
    await pool.query('select 1')
  },
)

t.test('a statement alone is simply sent again', async (t) => {
  const { connectionString } = await testDatabase(t)
  const shared = createPool({ connectionString, maxConnections: 1 })
  t.teardown(() => shared.end())
  const statement = { name: 'two', text: 'select 2 as two' }
  await shared.query(statement)
  await shared.query('deallocate all')
  t.match(await shared.query(statement), { rows: [{ two: 2 }] })
})

t.test(
  'a statement is prepared under its text, whatever another release prepared by that name',
  async (t) => {
    const { connectionString } = await testDatabase(t)
    const pool = createPool({ connectionString, maxConnections: 1 })
    t.teardown(() => pool.end())
    await pool.query({ name: 'head', text: 'select 1 as size' })
    t.match(await pool.query({ name: 'head', text: 'select 2 as size' }), { rows: [{ size: 2 }] })
  },
)
