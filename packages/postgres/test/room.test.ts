import t from 'tap'
import { createPool, isFull, probeRoom } from '../src/index.ts'
import { testDatabase } from '../src/testing.ts'

t.test('a probe takes disk for a moment, and says when it gets none', async (t) => {
  const { connectionString } = await testDatabase(t)
  // One connection: what is set for its session counts for the probe.
  const pool = createPool({ connectionString, maxConnections: 1 })
  t.teardown(() => pool.end())
  const { rows } = await pool.query<{ usesuper: boolean }>(
    'select usesuper from pg_user where usename = current_user',
  )
  if (rows[0]?.usesuper !== true) return t.pass('only a superuser may set the limit')
  await pool.query("set temp_file_limit = '512kB'")
  const refusal = await probeRoom(pool).catch((error: unknown) => error)
  t.match(refusal, { name: 'PostgresError', code: 'unavailable' })
  t.ok(isFull(refusal))
  await pool.query("set temp_file_limit = '2MB'")
  await t.resolves(probeRoom(pool))
  t.match((await pool.query("select current_setting('work_mem') <> '64kB' as own")).rows, [{ own: true }])
})
