/**
 * Forward-only migrations: numbered SQL files, applied in one transaction under an advisory lock, remembered with the
 * hash of their text. Any number of processes may start at once. Files that a newer release has applied are
 * left alone, so that the release before it keeps running; but a file that begins with the line `-- breaking` takes something
 * away that the release before it needs, and a program that has no such file refuses to start on it.
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
 * Throws `bad_migration`, `migration_changed` and `schema_too_new`, and the driver's error when SQL fails; nothing is applied then.
 */
export async function migrate(pool: Pool, migrations: Migrations): Promise<readonly string[]> {
  const given = 'files' in migrations ? migrations.files : await readMigrations(migrations.directory)
  const files = inOrder(given)
  return inTransaction(
    pool,
    async (tx) => {
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
      await addBreaking(tx)
      return applyPending(tx, migrations.component, files)
    },
    { repeatable: true },
  )
}

async function applyPending(
  tx: Queryable,
  component: string,
  files: readonly MigrationFile[],
): Promise<readonly string[]> {
  const { rows } = await tx.query<AppliedRow>(
    'select name, sha256, is_breaking from migration where component = $1',
    [component],
  )
  refuseTooNew(component, rows, files)
  const applied = new Map(rows.map((row) => [row.name, row]))
  const newest = rows.reduce((largest, { name }) => Math.max(largest, numberOf(name)), 0)
  const pending: string[] = []
  for (const { name, sql } of files) {
    const sha256 = hashOf(sql)
    const isBreaking = breaking.test(sql)
    const known = applied.get(name)
    if (known !== undefined) {
      if (!known.sha256.equals(sha256)) throw changed(component, name)
      if (isBreaking && !known.is_breaking) await markBreaking(tx, component, name)
      continue
    }
    if (numberOf(name) <= newest) {
      throw new PostgresError(
        'bad_migration',
        `migration ${name} of ${component} comes before one that this database has applied already; give it the next number`,
      )
    }
    await tx.query({ text: sql, timeoutMs })
    await tx.query('insert into migration (component, name, sha256, is_breaking) values ($1, $2, $3, $4)', [
      component,
      name,
      sha256,
      isBreaking,
    ])
    pending.push(name)
  }
  return pending
}

type AppliedRow = { readonly name: string; readonly sha256: Buffer; readonly is_breaking: boolean }

/** Its first line says of a file that the release before it cannot go on after it. */
const breaking = /^-- breaking\r?\n/

/** A database that an older release has made has no such column. */
async function addBreaking(tx: Queryable): Promise<void> {
  const { rowCount } = await tx.query(
    `select from pg_attribute where attrelid = 'migration'::regclass and attname = 'is_breaking'`,
  )
  if (rowCount === 0)
    await tx.query('alter table migration add column is_breaking boolean not null default false')
}

async function markBreaking(tx: Queryable, component: string, name: string): Promise<void> {
  await tx.query('update migration set is_breaking = true where component = $1 and name = $2', [
    component,
    name,
  ])
}

function refuseTooNew(component: string, rows: readonly AppliedRow[], files: readonly MigrationFile[]): void {
  const ours = new Set(files.map(({ name }) => name))
  const tooNew = rows.find(({ name, is_breaking: isBreaking }) => isBreaking && !ours.has(name))
  if (tooNew === undefined) return
  throw new PostgresError(
    'schema_too_new',
    `a newer release has changed this database (${component}: ${tooNew.name}) so that this one cannot work with it: start the newer release`,
  )
}

function changed(component: string, name: string): PostgresError {
  return new PostgresError(
    'migration_changed',
    `migration ${name} of ${component} was changed after this database had applied it; restore its text and add a new file instead`,
  )
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

/** Line ends do not count: a checkout may change them. Nor does the mark, which a later release may set. */
function hashOf(sql: string): Buffer {
  return createHash('sha256').update(sql.replace(breaking, '').replaceAll('\r\n', '\n')).digest()
}
