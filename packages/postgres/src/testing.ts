/**
 * A real PostgreSQL for tests: the server of DATABASE_URL, else an embedded one that all test processes of this checkout
 * share. It keeps running between test files; `node packages/postgres/src/testing.ts stop` stops it.
 */
import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { findBinaries } from './embedded/binaries.ts'
import { type EmbeddedPostgres, startEmbeddedPostgres } from './embedded/launcher.ts'
import { isAlive, readPostmaster } from './embedded/postmaster.ts'
import { createPool, type Pool } from './pool.ts'

const execute = promisify(execFile)

/** Nothing is wrong with a machine that has much to do. */
const connectTimeoutMs = 120_000

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
  const pool = createPool({ connectionString, applicationName: 'test', connectTimeoutMs, ...options })
  t.teardown(async () => {
    await pool.end()
    // A test may have stopped or killed its server: then there is nothing to drop.
    await once(server, (admin) => admin.query(`drop schema if exists ${schema} cascade`)).catch(() => {})
  })
  return { pool, connectionString, schema }
}

/**
 * Puts a database into `dataDirectory`, which is not there yet, as its first start would make one: that takes seconds of a processor,
 * and a copy a tenth of one. All copies have one password. For tests that are about something else.
 */
export async function copyDatabase(dataDirectory: string): Promise<void> {
  const made = await madeDatabase()
  await mkdir(path.dirname(dataDirectory), { recursive: true })
  // Owner and permissions too, for which Node has no call.
  await execute('cp', ['-a', made, dataDirectory])
}

async function madeDatabase(): Promise<string> {
  const { version } = await findBinaries()
  const made = `${sharedDirectory()}-made-${version}`
  if (existsSync(made)) return made
  const unfinished = `${made}.new-${randomBytes(6).toString('hex')}`
  const server = await startEmbeddedPostgres({ dataDirectory: unfinished })
  await server.stop()
  for (const name of ['owner', 'server.log']) await rm(path.join(unfinished, name), { force: true })
  // Of two that make one at once the first has it.
  await rename(unfinished, made).catch(() => rm(unfinished, { recursive: true, force: true }))
  return made
}

/** Stops the shared server unless another process is still connected to it. True when none runs afterwards. */
export async function stopTestDatabase(): Promise<boolean> {
  if (ownServer() !== undefined) return true
  const postmaster = await readPostmaster(path.join(sharedDirectory(), 'cluster'))
  if (postmaster === undefined || !isAlive(postmaster.pid)) return true
  const server = await startShared()
  await server.stop()
  return !isAlive(postmaster.pid)
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
  const pool = createPool({
    connectionString,
    maxConnections: 1,
    connectTimeoutMs,
    applicationName: 'test set-up',
  })
  try {
    return await work(pool)
  } finally {
    await pool.end()
  }
}

/** The same database with another schema first. */
export function withSearchPath(connectionString: string, schema: string): string {
  const separator = connectionString.includes('?') ? '&' : '?'
  return `${connectionString}${separator}options=${encodeURIComponent(`-c search_path=${schema}`)}`
}

if (import.meta.main && process.argv[2] === 'stop') await stopTestDatabase()
