/**
 * Forward-only migrations: numbered SQL files, applied in one transaction under an advisory lock, remembered with the
 * hash of their text. Any number of processes may start at once. Files that a newer release has applied are
 * left alone, so that the release before it keeps running.
 */
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { PostgresError } from './errors.ts'
import type { Pool, Queryable } from './pool.ts'
import { inTransaction } from './transaction.ts'

/** `name` is like `0001-log.sql`; the number decides the order. */
export type MigrationFile = { readonly name: string; readonly sql: string }

export type Migrations = {
  /** Whose files these are: several components may share a schema, each with its own numbering. */
  readonly component: string
} & ({ readonly files: readonly MigrationFile[] } | { readonly directory: URL })

/** An index over a large table takes its time, and whoever waits for the lock waits for that. */
const timeoutMs = 86_400_000

/**
 * Brings the first schema of the connection's search path up to date and names the files it applied.
 * Throws `bad_migration` and `migration_changed`, and the driver's error when SQL fails; nothing is applied then.
 */
export async function migrate(pool: Pool, migrations: Migrations): Promise<readonly string[]> {
  const given = 'files' in migrations ? migrations.files : await readMigrations(migrations.directory)
  const files = inOrder(given)
  return inTransaction(pool, async (tx) => {
    // One lock a schema, not a component: `create table if not exists` itself is not safe when run at once.
    await tx.query({
      text: `select pg_advisory_xact_lock(hashtextextended('migration ' || current_schema(), 0))`,
      timeoutMs,
    })
    await tx.query(
      `create table if not exists migration (
         component  text        not null,
         name       text        not null,
         sha256     bytea       not null check (octet_length(sha256) = 32),
         applied_at timestamptz not null default now(),
         primary key (component, name)
       )`,
    )
    return applyPending(tx, migrations.component, files)
  })
}

async function applyPending(
  tx: Queryable,
  component: string,
  files: readonly MigrationFile[],
): Promise<readonly string[]> {
  const { rows } = await tx.query<{ name: string; sha256: Buffer }>(
    'select name, sha256 from migration where component = $1',
    [component],
  )
  const applied = new Map(rows.map(({ name, sha256 }) => [name, sha256]))
  const newest = rows.reduce((largest, { name }) => Math.max(largest, numberOf(name)), 0)
  const pending: string[] = []
  for (const { name, sql } of files) {
    const sha256 = hashOf(sql)
    const known = applied.get(name)
    if (known !== undefined) {
      if (known.equals(sha256)) continue
      throw new PostgresError(
        'migration_changed',
        `migration ${name} of ${component} was changed after this database had applied it; restore its text and add a new file instead`,
      )
    }
    if (numberOf(name) <= newest) {
      throw new PostgresError(
        'bad_migration',
        `migration ${name} of ${component} comes before one that this database has applied already; give it the next number`,
      )
    }
    await tx.query({ text: sql, timeoutMs })
    await tx.query('insert into migration (component, name, sha256) values ($1, $2, $3)', [
      component,
      name,
      sha256,
    ])
    pending.push(name)
  }
  return pending
}

async function readMigrations(directory: URL): Promise<readonly MigrationFile[]> {
  // Without the closing slash a URL would resolve names beside the folder instead of in it.
  const folder = new URL(directory.href.endsWith('/') ? directory.href : `${directory.href}/`)
  const names = (await readdir(folder)).filter((name) => name.endsWith('.sql'))
  return Promise.all(
    names.map(async (name) => ({ name, sql: await readFile(new URL(name, folder), 'utf8') })),
  )
}

function inOrder(files: readonly MigrationFile[]): readonly MigrationFile[] {
  const sorted = files.toSorted((a, b) => numberOf(a.name) - numberOf(b.name))
  sorted.forEach(({ name }, position) => {
    const next = sorted[position + 1]
    if (next !== undefined && numberOf(next.name) === numberOf(name)) {
      throw new PostgresError('bad_migration', `migrations ${name} and ${next.name} have the same number`)
    }
  })
  return sorted
}

function numberOf(name: string): number {
  const match = /^(\d{4})-[a-z0-9-]+\.sql$/.exec(name)
  if (match === null) {
    throw new PostgresError('bad_migration', `migration ${name} is not named like 0001-what-it-does.sql`)
  }
  return Number(match[1])
}

/** Line ends do not count: a checkout may change them. */
function hashOf(sql: string): Buffer {
  return createHash('sha256').update(sql.replaceAll('\r\n', '\n')).digest()
}
