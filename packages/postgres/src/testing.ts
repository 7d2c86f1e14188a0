/**
 * A real PostgreSQL for tests: the server of DATABASE_URL, else an embedded one that all test processes of this checkout
 * share. It keeps running between test files; `node packages/postgres/src/testing.ts stop` stops it.
 */
import { createHash, randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type EmbeddedPostgres, startEmbeddedPostgres } from './embedded/launcher.ts'
import { isAlive, readPostmaster } from './embedded/postmaster.ts'
import { createPool, type Pool } from './pool.ts'

export type TestDatabase = {
  readonly pool: Pool
  /** Opens the same schema, for a second pool that stands for a second process. */
  readonly connectionString: string
  readonly schema: string
}

/** Gives the test an empty schema of its own, first on the search path, and drops it when the test ends. */
export async function testDatabase(
  t: { teardown(action: () => Promise<void>): unknown },
  options: { readonly maxConnections?: number } = {},
): Promise<TestDatabase> {
  const server = await serverForTests()
  const schema = `test_${Math.floor(Date.now() / 1000)}_${randomBytes(6).toString('hex')}`
  await once(server, (pool) => pool.query(`create schema ${schema}`))
  const connectionString = withSearchPath(server, schema)
  const pool = createPool({ connectionString, applicationName: 'test', ...options })
  t.teardown(async () => {
    await pool.end()
    // A test may have stopped or killed its server: then there is nothing to drop.
    await once(server, (admin) => admin.query(`drop schema if exists ${schema} cascade`)).catch(() => {})
  })
  return { pool, connectionString, schema }
}

/** Stops the shared server unless another process is still connected to it. True when none runs afterwards. */
export async function stopTestDatabase(): Promise<boolean> {
  if (ownServer() !== undefined) return true
  const postmaster = await readPostmaster(path.join(sharedDirectory(), 'cluster'))
  if (postmaster === undefined || !isAlive(postmaster.pid)) return true
  const server = await startShared()
  const unused = await once(server.connectionString, async (pool) => {
    // A connection that was just closed is still counted for a moment.
    for (let attempt = 0; attempt < 10; attempt++) {
      const { rows } = await pool.query<{ count: bigint }>(
        `select count(*) from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()`,
      )
      if (rows[0]?.count === 0n) return true
      await sleep(50)
    }
    return false
  })
  if (unused) await server.stop()
  return unused
}

async function serverForTests(): Promise<string> {
  const own = ownServer()
  if (own !== undefined) return own
  const server = await startShared()
  if (server.started) await dropForgottenSchemas(server.connectionString)
  return server.connectionString
}

function ownServer(): string | undefined {
  const url = process.env.DATABASE_URL
  return url === undefined || url === '' ? undefined : url
}

function startShared(): Promise<EmbeddedPostgres> {
  return startEmbeddedPostgres({ dataDirectory: sharedDirectory(), shared: true })
}

/** One per checkout and user, so that neither another clone nor another account ever meets it. */
function sharedDirectory(): string {
  const checkout = createHash('sha256')
    .update(import.meta.dirname)
    .digest('hex')
    .slice(0, 12)
  return path.join(tmpdir(), `sigstack-test-postgres-${process.getuid?.() ?? 0}-${checkout}`)
}

/** Schemas of test processes that were killed. Younger ones may belong to a test that starts right now. */
async function dropForgottenSchemas(server: string): Promise<void> {
  const anHourAgo = Math.floor(Date.now() / 1000) - 3600
  await once(server, async (pool) => {
    const { rows } = await pool.query<{ nspname: string }>(
      `select nspname from pg_namespace where nspname ~ '^test_[0-9]+_[0-9a-f]{12}$'`,
    )
    for (const { nspname } of rows) {
      if (Number(nspname.split('_')[1]) < anHourAgo)
        await pool.query(`drop schema if exists ${nspname} cascade`)
    }
  })
}

async function once<T>(connectionString: string, work: (pool: Pool) => Promise<T>): Promise<T> {
  const pool = createPool({ connectionString, maxConnections: 1, applicationName: 'test set-up' })
  try {
    return await work(pool)
  } finally {
    await pool.end()
  }
}

function withSearchPath(connectionString: string, schema: string): string {
  const separator = connectionString.includes('?') ? '&' : '?'
  return `${connectionString}${separator}options=${encodeURIComponent(`-c search_path=${schema}`)}`
}

if (import.meta.main && process.argv[2] === 'stop') await stopTestDatabase()
