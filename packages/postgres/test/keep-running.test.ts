import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { createPool, keepEmbeddedPostgres, type Pool, startEmbeddedPostgres } from '../src/index.ts'

t.setTimeout(600_000)

t.test('a server that is killed comes back at its address until it is stopped', async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'sigstack-kept-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  const dataDirectory = path.join(folder, 'postgres')
  const troubles: unknown[] = []
  let returned = Promise.withResolvers<void>()
  const server = await keepEmbeddedPostgres({
    dataDirectory,
    onTrouble: (error) => troubles.push(error),
    onReturn: () => returned.resolve(),
  })
  t.teardown(() => server.stop())
  const pool = createPool({ connectionString: server.connectionString })
  t.teardown(() => pool.end())
  await pool.query('create table entry (id int8 primary key)')

  process.kill(await postmasterOf(dataDirectory), 'SIGKILL')
  await returned.promise
  t.match(troubles, [{ name: 'PostgresError', code: 'embedded_postgres_failed' }])
  await untilItAnswers(pool)
  t.equal((await pool.query('select id from entry')).rows.length, 0, 'with what it held')

  returned = Promise.withResolvers<void>()
  const { rows } = await pool.query<{ pid: number }>('select pg_backend_pid() as pid')
  process.kill(rows[0]!.pid, 'SIGKILL')
  await returned.promise
  await untilItAnswers(pool)
  await t.rejects(startEmbeddedPostgres({ dataDirectory }), { code: 'data_directory_in_use' }, 'still ours')

  await pool.end()
  const pid = await postmasterOf(dataDirectory)
  await server.stop()
  t.throws(() => process.kill(pid, 0), { code: 'ESRCH' }, 'asked to stop, it stays away')
  t.equal(troubles.length, 2)
})

async function postmasterOf(dataDirectory: string): Promise<number> {
  return Number((await readFile(path.join(dataDirectory, 'cluster/postmaster.pid'), 'utf8')).split('\n')[0])
}

async function untilItAnswers(pool: Pool): Promise<void> {
  for (;;) {
    try {
      return void (await pool.query('select 1'))
    } catch {
      await sleep(20)
    }
  }
}
