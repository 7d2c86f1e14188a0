/**
 * Logs that follow each other in a line: each is a log by itself, with a name, an origin and a key of its own, and the next is opened while
 * the one before goes on, until its last client has moved. (Shards that a dialect numbers as one log are in ./series.ts.)
 */
import { emptyRootHash } from '@sigstack/merkle'
import { inTransaction, type Pool, type Queryable } from '@sigstack/postgres'
import { LogError } from './errors.ts'
import { type NextKey, type SeriesRow, type ShardRow, shardColumns, shardOf } from './series.ts'

export type LineRow = ShardRow & {
  /** When it was opened behind the others, in milliseconds since the epoch; `undefined` for the first one. */
  readonly openedAtMs: number | undefined
}

/** A log among those of a line. */
export type PlacedLog = { readonly name: string; readonly origin: string }

/** The log that will come next, and its key. */
export type NextLog = NextKey & PlacedLog

/** The logs of a line, oldest first; none when there is no such line. */
export async function listLine(db: Queryable, line: string): Promise<readonly LineRow[]> {
  const { rows } = await db.query<SeriesRow & { opened_at: bigint | null }>({
    name: 'log-list-line',
    text: `select ${shardColumns}, opened_at from log where name = $1 or line = $1 order by opened_at nulls first`,
    values: [line],
  })
  return rows.map((row) => ({
    ...shardOf(row),
    openedAtMs: row.opened_at === null ? undefined : Number(row.opened_at),
  }))
}

/** Which line a log stands in; that of a log which nothing follows has its name. `undefined`: there is no such log. */
export async function lineOf(db: Queryable, name: string): Promise<string | undefined> {
  const { rows } = await db.query<{ line: string }>(
    'select coalesce(line, name) as line from log where name = $1',
    [name],
  )
  return rows[0]?.line
}

export async function prepareNextLog(db: Queryable, line: string, next: NextLog): Promise<void> {
  await db.query(
    `insert into log_next_key (series, name, origin, public_key, key_file, prepared_at)
       values ($1, $2, $3, $4, $5, (extract(epoch from clock_timestamp()) * 1000)::bigint)`,
    [line, next.name, next.origin, Buffer.from(next.publicKey), next.keyFile],
  )
}

export async function readNextLog(db: Queryable, line: string): Promise<NextLog | undefined> {
  const { rows } = await db.query<{ name: string; origin: string; public_key: Buffer; key_file: string }>({
    name: 'log-next-log',
    text: 'select name, origin, public_key, key_file from log_next_key where series = $1 and name is not null',
    values: [line],
  })
  const [row] = rows
  return row && { name: row.name, origin: row.origin, publicKey: row.public_key, keyFile: row.key_file }
}

/** What may change while its logs run, in one question: which there are, oldest first, and the one that is prepared to come next. */
export async function readLineNews(
  db: Queryable,
  line: string,
): Promise<{ readonly logs: readonly PlacedLog[]; readonly next: NextLog | undefined }> {
  const { rows } = await db.query<{
    name: string
    origin: string
    public_key: Buffer | null
    key_file: string | null
  }>({
    name: 'log-line-news',
    text: `select name, origin, null::bytea as public_key, null as key_file, false as is_next, opened_at
             from log where name = $1 or line = $1
           union all
           select name, origin, public_key, key_file, true, null from log_next_key where series = $1 and name is not null
           order by is_next, opened_at nulls first`,
    values: [line],
  })
  const logs: PlacedLog[] = []
  let next: NextLog | undefined
  for (const { name, origin, public_key: publicKey, key_file: keyFile } of rows) {
    if (publicKey === null || keyFile === null) logs.push({ name, origin })
    else next = { name, origin, publicKey, keyFile }
  }
  return { logs, next }
}

/**
 * Opens the log of {@link prepareNextLog} behind the others, which go on. Throws `not_found`, and `bad_series` where none is prepared or
 * another log has its name.
 */
export async function openNextLog(pool: Pool, line: string): Promise<void> {
  await inTransaction(
    pool,
    async (tx) => {
      // Whoever does the same at this moment takes his turn behind.
      const { rowCount } = await tx.query('select from log where name = $1 for no key update', [line])
      if (rowCount === 0) throw new LogError('not_found', `there is no log ${line} in this database`)
      const next = await readNextLog(tx, line)
      if (next === undefined)
        throw new LogError('bad_series', `no log is prepared to follow ${line}; prepare one first`)
      const opened = await tx.query(
        `insert into log (name, line, opened_at, log_id, origin, root_hash, public_key, key_file)
         select $1, $2, greatest((extract(epoch from clock_timestamp()) * 1000)::bigint, max(opened_at) + 1),
                sha256($3::bytea), $4, $5, $3, $6
           from log where name = $2 or line = $2
         on conflict (name) do nothing`,
        [next.name, line, Buffer.from(next.publicKey), next.origin, emptyRootHash, next.keyFile],
      )
      if (opened.rowCount === 0)
        throw new LogError('bad_series', `there is a log ${next.name} in this database already`)
      await tx.query('delete from log_next_key where series = $1', [line])
    },
    { repeatable: true },
  )
}
