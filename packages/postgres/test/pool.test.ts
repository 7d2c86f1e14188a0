import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { isDurable } from '../src/durability.ts'
import {
  createPool,
  durability,
  inTransaction,
  isFull,
  isUnavailable,
  migrate,
  type Pool,
  PostgresError,
} from '../src/index.ts'
import { testDatabase } from '../src/testing.ts'

t.test('a pool reads 64-bit integers as bigints and bytes as buffers', async (t) => {
  const { pool, schema } = await testDatabase(t)
  const statement = {
    name: 'values',
    text: `select $1::int8 as big, $2::bytea as bytes, '{1,null}'::int8[] as list, current_schema() as schema`,
    values: [2n ** 62n, Buffer.from('00ff', 'hex')],
  }
  const expected = { big: 2n ** 62n, bytes: Buffer.from('00ff', 'hex'), list: [1n, null], schema }
  for (const _ of ['prepared', 'reused']) {
    const { rows, rowCount } = await pool.query(statement)
    t.strictSame(rows, [expected])
    t.equal(rowCount, 1)
  }
})

t.test('the test server is as durable as the real one', async (t) => {
  const { pool } = await testDatabase(t)
  const settings = await durability(pool)
  t.match(settings, { fsync: 'on', synchronousCommit: 'on', fullPageWrites: 'on' })
  t.ok(isDurable(settings))
  t.notOk(isDurable({ ...settings, synchronousCommit: 'off' }))
})

t.test('a transaction commits its work or leaves nothing', async (t) => {
  const { pool } = await testDatabase(t)
  await pool.query('create table thing (id int primary key)')
  const count = async () => (await pool.query('select count(*) from thing')).rows[0]?.count

  t.equal(
    await inTransaction(pool, async (tx) => (await tx.query('insert into thing values (1)')).rowCount),
    1,
  )
  t.equal(await count(), 1n)

  const refusal = new Error('not today')
  await t.rejects(
    inTransaction(pool, async (tx) => {
      await tx.query('insert into thing values (2)')
      throw refusal
    }),
    refusal,
  )
  t.equal(await count(), 1n)

  await t.rejects(
    inTransaction(pool, (tx) => tx.query('insert into thing values (1)')),
    { code: '23505' },
    'an SQL error keeps its SQLSTATE',
  )
  await t.rejects(
    inTransaction(pool, async (tx) => {
      await tx.query('insert into thing values (3)')
      await tx.query('insert into thing values (1)').catch(() => {})
    }),
    { name: 'PostgresError', code: 'transaction_rolled_back' },
    'a swallowed SQL error is not taken for a commit',
  )
  t.equal(await count(), 1n)
})

t.test('a deferred constraint refused at commit keeps its SQLSTATE and the connection', async (t) => {
  const { pool } = await testDatabase(t, { maxConnections: 1 })
  await pool.query('create table pair (id int unique deferrable initially deferred)')
  await t.rejects(
    inTransaction(pool, (tx) => tx.query('insert into pair values (1), (1)')),
    { code: '23505' },
  )
  t.strictSame((await pool.query('select id from pair')).rows, [])
})

t.test('a backend killed during the work loses the connection and commits nothing', async (t) => {
  const { pool } = await testDatabase(t)
  await pool.query('create table thing (id int primary key)')
  const kill = async (pid: unknown) => {
    // Waits until the backend is gone.
    await pool.query('select pg_terminate_backend($1, 10000)', [pid])
    // The end of its connection may be read after this answer, but in the same turn.
    await turn()
  }
  const failure = await inTransaction(pool, async (tx) => {
    const { rows } = await tx.query('select pg_backend_pid() as pid')
    await tx.query('insert into thing values (1)')
    await kill(rows[0]?.pid)
    await tx.query('insert into thing values (2)')
  }).catch((error: unknown) => error)
  t.match(failure, { name: 'PostgresError', code: 'connection_lost' })
  t.ok(isUnavailable(failure))

  // Killed between the last statement and COMMIT, which is then never sent: nothing is in doubt.
  await t.rejects(
    inTransaction(pool, async (tx) => {
      const { rows } = await tx.query('select pg_backend_pid() as pid')
      await tx.query('insert into thing values (3)')
      await kill(rows[0]?.pid)
    }),
    { name: 'PostgresError', code: 'connection_lost' },
  )
  t.strictSame((await pool.query('select id from thing')).rows, [])
})

t.test('a backend killed during the commit leaves the outcome unknown', async (t) => {
  const { pool } = await testDatabase(t)
  await pool.query('create table thing (id int primary key)')
  // A deferred trigger makes COMMIT itself slow, so that it can be hit.
  await pool.query(`create function dawdle() returns trigger language plpgsql as
    $$ begin perform pg_sleep(60); return null; end $$`)
  await pool.query(`create constraint trigger slow after insert on thing deferrable initially deferred
    for each row execute function dawdle()`)
  const terminateInCommit = async (pid: unknown) => {
    const text =
      "select pg_terminate_backend(pid) from pg_stat_activity where pid = $1 and wait_event = 'PgSleep'"
    while ((await pool.query(text, [pid])).rowCount === 0) await sleep(20)
  }
  await t.rejects(
    inTransaction(pool, async (tx) => {
      const { rows } = await tx.query('select pg_backend_pid() as pid')
      await tx.query('insert into thing values (1)')
      void terminateInCommit(rows[0]?.pid)
    }),
    { name: 'PostgresError', code: 'commit_outcome_unknown' },
  )
  t.strictSame((await pool.query('select id from thing')).rows, [], 'and the pool still works')
})

t.test('an idle connection that breaks is reported and replaced', async (t) => {
  const { pool, connectionString } = await testDatabase(t)
  const heard = Promise.withResolvers<Error>()
  const other = createPool({ connectionString, maxConnections: 1, onError: heard.resolve })
  t.teardown(() => other.end())
  const { rows } = await other.query('select pg_backend_pid() as pid')
  await pool.query('select pg_terminate_backend($1)', [rows[0]?.pid])
  t.ok((await heard.promise) instanceof Error)
  t.strictSame((await other.query('select 1 as one')).rows, [{ one: 1 }])
})

t.test(
  'no server, no free connection and an ended pool are unavailability; a bad statement is not',
  async (t) => {
    const { connectionString, pool } = await testDatabase(t)
    const nowhere = createPool({ connectionString: 'postgresql://nobody@127.0.0.1:1/none' })
    await t.rejects(nowhere.query('select 1'), { name: 'PostgresError', code: 'unavailable' })
    const noSocket = createPool({ connectionString: 'postgresql://nobody@localhost/none?host=/nonexistent' })
    await t.rejects(noSocket.query('select 1'), { name: 'PostgresError', code: 'unavailable' })

    const small = createPool({ connectionString, maxConnections: 1, connectTimeoutMs: 100 })
    const client = await connectedBy(small)
    await t.rejects(small.query('select 1'), { name: 'PostgresError', code: 'unavailable' })
    const mistake = await client.query('select nonsense').catch((error: unknown) => error)
    t.match(mistake, { code: '42703' })
    t.notOk(isUnavailable(mistake))
    client.release()
    await small.end()
    await t.rejects(small.query('select 1'), { name: 'PostgresError', code: 'unavailable' })

    const refusal = "do $$ begin raise exception 'could not extend file' using errcode = '53100'; end $$"
    const full = await pool.query(refusal).catch((error: unknown) => error)
    t.match(full, { code: 'unavailable', message: 'the database has no room: could not extend file' })
    t.ok(isFull(full))
    t.notOk(isFull(mistake))
    for (const code of ['57P01', '57P03', '08006', '53300', 'ECONNREFUSED']) {
      t.ok(isUnavailable(Object.assign(new Error('x'), { code })), code)
    }
    t.notOk(
      isUnavailable(Object.assign(new Error('x'), { code: 'ENOENT' })),
      'a missing file is no database fault',
    )
    t.notOk(isUnavailable(new PostgresError('bad_migration', 'x')))
  },
)

const first = { name: '0001-thing.sql', sql: 'create table thing (id int primary key);\n' }
const second = { name: '0002-name.sql', sql: 'alter table thing add column name text;' }

t.test('processes that start at once apply every migration exactly once', async (t) => {
  const { pool } = await testDatabase(t)
  const component = 'things'
  const applied = await Promise.all(
    Array.from({ length: 8 }, () => migrate(pool, { component, files: [second, first] })),
  )
  t.strictSame(applied.flat(), [first.name, second.name])
  t.strictSame(
    await migrate(pool, { component, files: [first] }),
    [],
    'a release older than the database starts',
  )
  t.strictSame(
    await migrate(pool, {
      component: 'others',
      files: [{ name: '0001-other.sql', sql: 'create table other ()' }],
    }),
    ['0001-other.sql'],
    'components are numbered apart',
  )
  const { rows } = await pool.query('select component, name from migration order by 1, 2')
  t.strictSame(rows, [
    { component: 'others', name: '0001-other.sql' },
    { component, name: first.name },
    { component, name: second.name },
  ])
})

t.test('a migration that was changed, or comes too late, or fails, changes nothing', async (t) => {
  const { pool } = await testDatabase(t)
  const up = (...files: { name: string; sql: string }[]) => migrate(pool, { component: 'things', files })
  await up(first)
  await t.rejects(up({ ...first, sql: `${first.sql} ` }, second), { code: 'migration_changed' })
  t.strictSame(await up({ ...first, sql: first.sql.replaceAll('\n', '\r\n') }), [], 'line ends do not count')
  await t.rejects(up(first, second, { name: '0003-bad.sql', sql: 'create nonsense' }), { code: '42601' })
  t.strictSame((await pool.query('select name from migration')).rows, [{ name: first.name }])
  await t.rejects(up(first, { name: '0000-late.sql', sql: 'select 1' }), { code: 'bad_migration' })
  await t.rejects(up(first, { name: '0001-twin.sql', sql: 'select 1' }), { code: 'bad_migration' })
  await t.rejects(up({ name: 'first.sql', sql: 'select 1' }), { code: 'bad_migration' })
})

t.test('a release refuses a database that a newer one has changed under it, and only then', async (t) => {
  const { pool } = await testDatabase(t)
  const up = (...files: { name: string; sql: string }[]) => migrate(pool, { component: 'things', files })
  // As releases before this one have made the table.
  await pool.query(`create table migration (component text not null, name text not null, sha256 bytea not null,
    applied_at timestamptz not null default now(), primary key (component, name))`)
  await up(first, second)
  t.strictSame(await up(first), [], 'what only widens is left alone')
  const marked = { ...second, sql: `-- breaking\n${second.sql}` }
  t.strictSame(await up(first, marked), [], 'the mark may come later, and is no other text')
  await t.rejects(up(first), {
    name: 'PostgresError',
    code: 'schema_too_new',
    message: /a newer release has changed this database \(things: 0002-name\.sql\)/,
  })
  const third = { name: '0003-drop.sql', sql: '-- breaking\nalter table thing drop column name' }
  t.strictSame(await up(first, marked, third), [third.name])
  await t.rejects(up(first, marked), { code: 'schema_too_new', message: /0003-drop/ })
  t.strictSame(await up(first, marked, third), [])
})

t.test('migrations are read from a folder in the order of their numbers', async (t) => {
  const { pool } = await testDatabase(t)
  const { pathToFileURL } = await import('node:url')
  const directory = t.testdir({ [second.name]: second.sql, [first.name]: first.sql, 'README.md': 'not SQL' })
  const applied = await migrate(pool, { component: 'things', directory: pathToFileURL(directory) })
  t.strictSame(applied, [first.name, second.name])
})

t.test('a server that falls silent is a lost connection, except to who is known to take long', async (t) => {
  const { connectionString } = await testDatabase(t)
  const pool = createPool({ connectionString, maxConnections: 1, queryTimeoutMs: 1_500 })
  t.teardown(() => pool.end())
  const silence = 'select pg_sleep(30)'
  await t.rejects(pool.query(silence), { name: 'PostgresError', code: 'connection_lost' })
  const began = performance.now()
  await t.rejects(
    inTransaction(pool, (tx) => tx.query(silence)),
    { code: 'connection_lost' },
  )
  t.ok(performance.now() - began < 300_000, 'and no time is spent on rolling back')
  t.strictSame(
    (await pool.query('select 1 as one')).rows,
    [{ one: 1 }],
    'its place in the pool is free again',
  )
  await pool.query({ text: 'select pg_sleep(2)', timeoutMs: 300_000 })
  const files = [{ name: '0001-long.sql', sql: 'select pg_sleep(2)' }]
  t.strictSame(await migrate(pool, { component: 'slow', files }), ['0001-long.sql'])
})

t.test('a client that is frozen in its transaction loses its locks', async (t) => {
  const { pool, connectionString } = await testDatabase(t)
  await pool.query('create table thing (id int primary key)')
  await pool.query('insert into thing values (1)')
  const lock = 'select id from thing for no key update'
  const frozen = createPool({ connectionString, idleInTransactionTimeoutMs: 1_500 })
  t.teardown(() => frozen.end())
  const [locked, thawed] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const work = inTransaction(frozen, async (tx) => {
    await tx.query(lock)
    locked.resolve()
    await thawed.promise
    await tx.query('update thing set id = 2')
  })
  await locked.promise
  await t.resolves(inTransaction(pool, (tx) => tx.query(lock)))
  thawed.resolve()
  await t.rejects(work, { code: 'connection_lost' })
  t.strictSame((await pool.query('select id from thing')).rows, [{ id: 1 }])
})

t.test('a pool that has ended has no connection left, and reports none', async (t) => {
  const { pool, connectionString } = await testDatabase(t)
  const heard: Error[] = []
  const other = createPool({
    connectionString,
    applicationName: 'to-be-ended',
    onError: (error) => heard.push(error),
  })
  await Promise.all([1, 2, 3, 4].map(() => other.query('select pg_sleep(0.01)')))
  await other.end()
  const { rows } = await pool.query("select pid from pg_stat_activity where application_name = 'to-be-ended'")
  t.strictSame(rows, [])
  t.strictSame(heard, [])
  await other.end()
})

/** A connection of a pool that waits for one but shortly. */
async function connectedBy(pool: Pool) {
  for (;;) {
    try {
      return await pool.connect()
    } catch (error) {
      if (!isUnavailable(error)) throw error
    }
  }
}
