import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import t from 'tap'
import { createPool, durability, type PostgresError, startEmbeddedPostgres } from '../src/index.ts'
import { copyDatabase } from '../src/testing.ts'

async function folder(t: { teardown(action: () => Promise<void>): unknown }): Promise<string> {
  const made = await mkdtemp(path.join(tmpdir(), 'sigstack-embedded-'))
  t.teardown(() => rm(made, { recursive: true, force: true }))
  return path.join(made, 'postgres')
}

/** With a database in it. */
async function madeFolder(t: { teardown(action: () => Promise<void>): unknown }): Promise<string> {
  const dataDirectory = await folder(t)
  await copyDatabase(dataDirectory)
  return dataDirectory
}

t.test('the embedded server', async (t) => {
  const dataDirectory = await folder(t)
  const told: string[] = []
  const start = () => startEmbeddedPostgres({ dataDirectory, onProgress: (line) => told.push(line) })

  const first = await start()
  t.teardown(() => first.stop())
  t.ok(first.started)
  t.match(told, [/^making a new database in /])
  t.equal((await stat(path.join(dataDirectory, 'password'))).mode & 0o777, 0o600)
  const pool = createPool({ connectionString: first.connectionString })
  t.match(await durability(pool), { fsync: 'on', synchronousCommit: 'on', version: first.version })
  await pool.query('create table entry (id int8 primary key)')
  await pool.query('insert into entry values (1)')

  const stranger = first.connectionString.replace(/:[^:@]+@/, ':guess@')
  const refused = createPool({ connectionString: stranger })
  await t.rejects(refused.query('select 1'), { code: '28P01' }, 'who does not know the password stays out')

  await t.rejects(start(), { name: 'PostgresError', code: 'data_directory_in_use' })
  t.strictSame(
    (await pool.query('select id from entry')).rows,
    [{ id: 1n }],
    'and the owner is not disturbed',
  )

  await pool.end()
  await first.stop()
  t.throws(() => process.kill(first.pid, 0), { code: 'ESRCH' }, 'stop waits for the end of the process')

  told.length = 0
  const second = await start()
  // It tells that it waits where the machine is busy.
  t.notOk(
    told.some((line) => line.startsWith('making')),
    'the second start makes no database',
  )
  const record = await readFile(path.join(dataDirectory, 'server.log'), 'utf8')
  t.match(record, 'database system was shut down')
  t.notMatch(record, 'not properly shut down', 'and recovers from nothing')
  const again = createPool({ connectionString: second.connectionString })
  t.strictSame((await again.query('select id from entry')).rows, [{ id: 1n }])
  await again.end()
  await second.stop()

  // A crash leaves a process number that may be a stranger's by now.
  const left = await readFile(path.join(dataDirectory, 'cluster', 'postmaster.opts'), 'utf8')
  t.match(left, /fsync=on/)
  await writeFile(
    path.join(dataDirectory, 'cluster', 'postmaster.pid'),
    `${process.pid}\n${dataDirectory}/cluster\n1\n5432\n${dataDirectory}\n\n`,
  )
  const third = await start()
  t.ok(third.started, 'a stale process number does not keep it from starting')
  await third.stop()

  await writeFile(path.join(dataDirectory, 'cluster', 'PG_VERSION'), '9\n')
  await t.rejects(start(), { code: 'data_directory_unusable', message: /made by PostgreSQL 9, and this is/ })
})

t.test('a server killed under writes keeps every acknowledged row, restarted at once', async (t) => {
  const dataDirectory = await madeFolder(t)
  const heard: PostgresError[] = []
  const server = await startEmbeddedPostgres({ dataDirectory, onExit: (error) => heard.push(error) })
  const pool = createPool({ connectionString: server.connectionString })
  await pool.query('create table entry (id int8 primary key)')
  const acknowledged: bigint[] = []
  const enough = Promise.withResolvers<void>()
  let next = 0n
  const writer = async () => {
    for (;;) {
      const id = next++
      await pool.query('insert into entry values ($1)', [id])
      acknowledged.push(id)
      if (acknowledged.length > 100) enough.resolve()
    }
  }
  const writers = Promise.allSettled([writer(), writer(), writer(), writer()])
  await enough.promise
  process.kill(server.pid, 'SIGKILL')
  await writers
  await pool.end()

  const restarted = await startEmbeddedPostgres({ dataDirectory })
  t.teardown(() => restarted.stop())
  t.match(heard, [{ name: 'PostgresError', code: 'embedded_postgres_failed' }], 'its end is told, once')
  const after = createPool({ connectionString: restarted.connectionString })
  const { rows } = await after.query<{ id: bigint }>('select id from entry')
  await after.end()
  const found = new Set(rows.map(({ id }) => id))
  t.strictSame(
    acknowledged.filter((id) => !found.has(id)),
    [],
  )
})

t.test('a server whose owner was killed is adopted, and waits for no owner to be stopped', async (t) => {
  const dataDirectory = await madeFolder(t)
  const owner = await ownerProcess(dataDirectory)
  t.teardown(() => owner.child.kill('SIGKILL'))
  await t.rejects(startEmbeddedPostgres({ dataDirectory }), { code: 'data_directory_in_use' })
  owner.child.kill('SIGKILL')
  await once(owner.child, 'exit')

  const adopted = await startEmbeddedPostgres({ dataDirectory })
  t.equal(adopted.pid, owner.serverPid)
  t.notOk(adopted.started)
  await adopted.stop()
  t.throws(() => process.kill(adopted.pid, 0), { code: 'ESRCH' })
})

t.test('a server ends with an owner that ends at once', async (t) => {
  const dataDirectory = await madeFolder(t)
  const library = new URL('../src/index.ts', import.meta.url).href
  const script = `import { startEmbeddedPostgres } from ${JSON.stringify(library)}
    const { pid } = await startEmbeddedPostgres({ dataDirectory: ${JSON.stringify(dataDirectory)} })
    process.stdout.write(String(pid), () => process.exit(1))`
  const owner = spawn(process.execPath, ['--input-type=module', '-e', script])
  let said = ''
  owner.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  await once(owner, 'close')
  const pid = Number(said)
  t.ok(pid > 1)
  // What it wrote is whole, so the next owner finds it stopped or stopping and never adopts it.
  const next = await startEmbeddedPostgres({ dataDirectory })
  t.not(next.pid, pid)
  await next.stop()
})

t.test('first starts at the same moment make one cluster', async (t) => {
  const dataDirectory = await folder(t)
  const servers = await Promise.all(
    Array.from({ length: 3 }, () => startEmbeddedPostgres({ dataDirectory, shared: true })),
  )
  t.equal(new Set(servers.map(({ pid }) => pid)).size, 1)
  t.equal(servers.filter(({ started }) => started).length, 1)
  await servers[0]!.stop()
})

t.test(
  'a folder whose path is too long for a socket is served over TCP, on the same port again',
  async (t) => {
    const dataDirectory = path.join(await folder(t), 'x'.repeat(100))
    await copyDatabase(dataDirectory)
    const ports: string[] = []
    for (const _ of [1, 2]) {
      const server = await startEmbeddedPostgres({ dataDirectory })
      const pool = createPool({ connectionString: server.connectionString })
      t.strictSame((await pool.query('select 1 as one')).rows, [{ one: 1 }])
      await pool.end()
      await server.stop()
      const { hostname, port } = new URL(server.connectionString)
      t.equal(hostname, '127.0.0.1')
      ports.push(port)
    }
    t.equal(ports[0], ports[1])
  },
)

t.test('a folder that cannot be used is told in one sentence', async (t) => {
  const file = path.join(t.testdir({ taken: 'a file' }), 'taken')
  await t.rejects(startEmbeddedPostgres({ dataDirectory: file }), {
    name: 'PostgresError',
    code: 'data_directory_unusable',
    message: /cannot be used: a file of that name exists; choose another folder or mend this one$/,
  })
})

t.test(
  'a folder without permission to write is told so',
  { skip: process.getuid?.() === 0 && 'root may write anywhere' },
  async (t) => {
    const locked = t.testdir({ locked: {} })
    await chmod(locked, 0o500)
    t.teardown(() => chmod(locked, 0o700))
    await t.rejects(startEmbeddedPostgres({ dataDirectory: path.join(locked, 'new') }), {
      code: 'data_directory_unusable',
      message: /cannot be used: permission is denied; /,
    })
  },
)

async function ownerProcess(dataDirectory: string): Promise<{ child: ChildProcess; serverPid: number }> {
  const launcher = new URL('../src/index.ts', import.meta.url).href
  const script = `import { startEmbeddedPostgres } from ${JSON.stringify(launcher)}
    const { pid } = await startEmbeddedPostgres({ dataDirectory: ${JSON.stringify(dataDirectory)} })
    process.stdout.write(String(pid))`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [chunk] = (await once(child.stdout, 'data')) as [Buffer]
  return { child, serverPid: Number(chunk.toString()) }
}

/** Of a shell that works with other databases. */
const foreign = {
  PGSSLMODE: 'verify-full',
  PGOPTIONS: '-c search_path=nowhere',
  PGHOST: '192.0.2.1',
  PGPORT: '1',
  PGUSER: 'stranger',
  PGPASSWORD: 'not this one',
  PGDATABASE: 'elsewhere',
  PGAPPNAME: 'stranger',
  PGSERVICE: 'none',
  PGSSLNEGOTIATION: 'direct',
  PGCONNECT_TIMEOUT: '1',
  PGCLIENT_ENCODING: 'LATIN1',
  PGDATA: '/nowhere',
  PGREPLICATION: 'database',
  NODE_PG_FORCE_NATIVE: '1',
}

t.test('variables that were meant for other databases reach neither server nor connections', async (t) => {
  const dataDirectory = await madeFolder(t)
  const home = t.testdir({ '.pgpass': '*:*:*:*:from pgpass\n' })
  await chmod(path.join(home, '.pgpass'), 0o600)
  const library = new URL('../src/index.ts', import.meta.url).href
  const script = `import { createPool, startEmbeddedPostgres } from ${JSON.stringify(library)}
    const server = await startEmbeddedPostgres({ dataDirectory: ${JSON.stringify(dataDirectory)} })
    const pool = createPool({ connectionString: server.connectionString })
    const { rows } = await pool.query("select current_user as user, current_schema() as schema, current_setting('application_name') as app")
    await pool.end()
    const bare = createPool({ connectionString: server.connectionString.replace(/:[^:@]+@/, '@') })
    const refused = await bare.query('select 1').catch((error) => error.message)
    await bare.end()
    await server.stop()
    console.log(JSON.stringify({ ...rows[0], refused, PGUSER: process.env.PGUSER }))`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    env: { ...process.env, ...foreign, HOME: home },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [said] = (await once(child.stdout, 'data')) as [Buffer]
  t.match(JSON.parse(said.toString()), {
    user: 'sigstack',
    schema: 'public',
    app: '',
    refused: /password/,
    PGUSER: 'stranger',
  })
})

t.test('a tool beside a stack ends no server, not one that hangs nor one that was adopted', async (t) => {
  const dataDirectory = await madeFolder(t)
  const tool = await startEmbeddedPostgres({ dataDirectory, shared: true })
  t.ok(tool.started)
  const owner = await startEmbeddedPostgres({ dataDirectory })
  t.equal(owner.pid, tool.pid)
  await tool.stop()
  const pool = createPool({ connectionString: owner.connectionString })
  t.strictSame((await pool.query('select 1 as one')).rows, [{ one: 1 }], 'it has an owner now')
  await pool.end()

  process.kill(owner.pid, 'SIGSTOP')
  t.teardown(() => owner.stop())
  t.teardown(() => process.kill(owner.pid, 'SIGCONT'))
  const refused = { code: 'embedded_postgres_failed', message: /does not answer, and is not ours to end/ }
  await t.rejects(startEmbeddedPostgres({ dataDirectory, shared: true, silenceLimitMs: 10 }), refused)
  // Here another living process owns it; this one would be its own.
  await writeFile(path.join(dataDirectory, 'owner'), String(process.ppid))
  await t.rejects(startEmbeddedPostgres({ dataDirectory, silenceLimitMs: 10 }), {
    code: 'data_directory_in_use',
  })
  t.doesNotThrow(() => process.kill(owner.pid, 0))
})

t.test('a server that refuses has answered: it is told, and goes on', async (t) => {
  const dataDirectory = await madeFolder(t)
  const owner = await startEmbeddedPostgres({ dataDirectory })
  t.teardown(() => owner.stop())
  const rules = path.join(dataDirectory, 'cluster', 'pg_hba.conf')
  const before = await readFile(rules, 'utf8')
  await writeFile(rules, 'local all all reject\nhost all all all reject\n')
  const pool = createPool({ connectionString: owner.connectionString })
  t.teardown(() => pool.end())
  await pool.query('select pg_reload_conf()')
  for (const shared of [true, false]) {
    await t.rejects(startEmbeddedPostgres({ dataDirectory, shared }), {
      code: 'embedded_postgres_failed',
      message: /refuses: pg_hba/,
    })
  }
  t.strictSame((await pool.query('select 1 as one')).rows, [{ one: 1 }])
  await writeFile(rules, before)
})
