/**
 * A log as a series of shards: rows of their own, oldest first, of which the last one takes entries and all others are frozen
 * at their final size. Each has its origin and its key; one series is what a dialect numbers as one log.
 */
import { asHash, emptyRootHash, type Hash } from '@sigstack/merkle'
import { inTransaction, migrate, type Pool, type Queryable } from '@sigstack/postgres'
import { LogError } from './errors.ts'
import type { LogEntry } from './log.ts'
import { readPage } from './read-page.ts'
import { findLog, type LogMode, readEntriesAt } from './store.ts'

export type ShardRow = {
  /** Of this log among all in the database. */
  readonly name: string
  /** Position in the series; 0 is the oldest. */
  readonly shard: number
  readonly logId: Buffer
  readonly origin: string
  /** SubjectPublicKeyInfo; unknown until a service of this release has opened the shard. */
  readonly publicKey: Buffer | undefined
  /** Name of the key's file in the folder of keys; `undefined` for the first key. */
  readonly keyFile: string | undefined
  readonly treeSize: bigint
  readonly rootHash: Hash
  /** Set once the shard is frozen, and never changed. */
  readonly finalSize: bigint | undefined
  /** When that was, in milliseconds since the epoch; unknown of shards that an earlier release froze. */
  readonly frozenAtMs: number | undefined
  readonly mode: LogMode
  readonly modeReason: string | undefined
}

/** The key that the next shard will have. */
export type NextKey = {
  /** SubjectPublicKeyInfo. */
  readonly publicKey: Uint8Array
  readonly keyFile: string
}

export type SeriesRow = {
  name: string
  shard: number
  log_id: Buffer
  origin: string
  public_key: Buffer | null
  key_file: string | null
  tree_size: bigint
  root_hash: Buffer
  final_size: bigint | null
  frozen_at: bigint | null
  mode: LogMode
  mode_reason: string | null
}

export async function migrateLogs(pool: Pool): Promise<void> {
  await migrate(pool, { component: 'log-engine', directory: new URL('migrations/', import.meta.url) })
}

export const shardColumns =
  'name, shard, log_id, origin, public_key, key_file, tree_size, root_hash, final_size, frozen_at, mode, mode_reason'

/** The shards of a series, oldest first; none when the series does not exist. */
export async function listShards(db: Queryable, series: string): Promise<readonly ShardRow[]> {
  const { rows } = await db.query<SeriesRow>({
    name: 'log-list-shards',
    text: `select ${shardColumns} from log where coalesce(series, name) = $1 order by shard`,
    values: [series],
  })
  return rows.map(shardOf)
}

export function shardOf(row: SeriesRow): ShardRow {
  return {
    name: row.name,
    shard: row.shard,
    logId: row.log_id,
    origin: row.origin,
    publicKey: row.public_key ?? undefined,
    keyFile: row.key_file ?? undefined,
    treeSize: row.tree_size,
    rootHash: asHash(row.root_hash),
    finalSize: row.final_size ?? undefined,
    frozenAtMs: row.frozen_at === null ? undefined : Number(row.frozen_at),
    mode: row.mode,
    modeReason: row.mode_reason ?? undefined,
  }
}

/** Keeps the public key beside the log, for audits and backups, which have no private one. */
export async function rememberPublicKey(db: Queryable, name: string, publicKey: Uint8Array): Promise<void> {
  await db.query('update log set public_key = $2 where name = $1 and public_key is null', [
    name,
    Buffer.from(publicKey),
  ])
}

export async function prepareNextKey(db: Queryable, series: string, next: NextKey): Promise<void> {
  await db.query(
    `insert into log_next_key (series, public_key, key_file, prepared_at) values ($1, $2, $3, (extract(epoch from clock_timestamp()) * 1000)::bigint)
       on conflict (series) do update set public_key = excluded.public_key, key_file = excluded.key_file,
         prepared_at = excluded.prepared_at`,
    [series, Buffer.from(next.publicKey), next.keyFile],
  )
}

export async function readNextKey(db: Queryable, series: string): Promise<NextKey | undefined> {
  const { rows } = await db.query<{ public_key: Buffer; key_file: string }>({
    name: 'log-next-key',
    text: 'select public_key, key_file from log_next_key where series = $1',
    values: [series],
  })
  const [row] = rows
  return row && { publicKey: row.public_key, keyFile: row.key_file }
}

/** What may change while the log runs, in one question: how many shards there are, and the key that is prepared for the next. */
export async function readSeriesNews(
  db: Queryable,
  series: string,
): Promise<{ readonly shards: number; readonly nextKey: NextKey | undefined }> {
  const { rows } = await db.query<{ shards: number; public_key: Buffer | null; key_file: string | null }>({
    name: 'log-series-news',
    text: `select n.shards, k.public_key, k.key_file
             from (select count(*)::int as shards from log where coalesce(series, name) = $1) n
             left join log_next_key k on k.series = $1`,
    values: [series],
  })
  const { shards = 0, public_key: publicKey = null, key_file: keyFile = null } = rows[0] ?? {}
  return { shards, nextKey: publicKey === null || keyFile === null ? undefined : { publicKey, keyFile } }
}

/** Takes back {@link prepareNextKey}; `undefined` when none was prepared. */
export async function forgetNextKey(db: Queryable, series: string): Promise<NextKey | undefined> {
  const { rows } = await db.query<{ public_key: Buffer; key_file: string }>(
    'delete from log_next_key where series = $1 returning public_key, key_file',
    [series],
  )
  const [row] = rows
  return row && { publicKey: row.public_key, keyFile: row.key_file }
}

/**
 * Freezes the active shard at its size and opens the next one, in one transaction that takes its turn among the writers: an
 * entry is in the old shard, below its final size, or in the new one. With `key: 'prepared'` the new shard has the key
 * of {@link prepareNextKey}, otherwise that of the old one. `active` is the shard that the caller saw: of two who would
 * freeze the same one, the second is told so and opens none. Throws `not_found`, `frozen` and `bad_series`.
 */
export async function rollOver(
  pool: Pool,
  series: string,
  options: { readonly newOrigin: string; readonly key: 'same' | 'prepared'; readonly active?: string },
): Promise<void> {
  await inTransaction(
    pool,
    async (tx) => {
      const { rows } = await tx.query<{ log_no: number; name: string }>(
        `select log_no, name from log where coalesce(series, name) = $1 and final_size is null for no key update`,
        [series],
      )
      const [active] = rows
      if (active === undefined) throw await notActive(tx, series)
      if (active.name !== (options.active ?? active.name)) throw rolledOver(series, active.name)
      const next = options.key === 'prepared' ? await readNextKey(tx, series) : undefined
      if (options.key === 'prepared' && next === undefined) {
        throw new LogError(
          'bad_series',
          `no key is prepared for the next shard of ${series}; prepare one first`,
        )
      }
      await tx.query(`update log set ${frozenNow} where log_no = $1`, [active.log_no])
      // The clock goes on where the old shard stopped: times never go backwards along a series either.
      await tx.query(
        `insert into log (name, series, shard, log_id, origin, root_hash, last_sequenced_at, mode, mode_reason, public_key, key_file)
         select $2 || '/' || (shard + 1), $2, shard + 1, coalesce(sha256($3::bytea), log_id), $4, $5, last_sequenced_at,
                mode, mode_reason, coalesce($3::bytea, public_key), case when $3::bytea is null then key_file else $6 end
           from log where log_no = $1`,
        [
          active.log_no,
          series,
          next === undefined ? null : Buffer.from(next.publicKey),
          options.newOrigin,
          emptyRootHash,
          next?.keyFile ?? null,
        ],
      )
      if (next !== undefined) await tx.query('delete from log_next_key where series = $1', [series])
    },
    { repeatable: true },
  )
}

/**
 * Freezes the active shard at its size, for good, and opens none: the log has its last entry. Takes its turn among the writers, as
 * {@link rollOver} does. Throws `not_found`, and `frozen` when that was done before.
 */
export async function freezeLog(pool: Pool, series: string): Promise<void> {
  const { rowCount } = await pool.query(
    `update log set ${frozenNow} where coalesce(series, name) = $1 and final_size is null`,
    [series],
  )
  if (rowCount === 0) throw await notActive(pool, series)
}

/** Of a row that is being locked: the size is that of the last batch before. */
const frozenNow = 'final_size = tree_size, frozen_at = (extract(epoch from clock_timestamp()) * 1000)::bigint'

/** Why no shard of a series takes entries. */
async function notActive(db: Queryable, series: string): Promise<LogError> {
  const [last] = (await listShards(db, series)).slice(-1)
  if (last === undefined) return new LogError('not_found', `there is no log ${series} in this database`)
  // Who waits for his turn behind a rollover finds the shard frozen that he waited for, and the next one open.
  return last.finalSize === undefined
    ? rolledOver(series, last.name)
    : new LogError('frozen', `the log ${series} is frozen for good`)
}

function rolledOver(series: string, active: string): LogError {
  return new LogError(
    'bad_series',
    `another rollover of ${series} was done just now, and this did nothing: ${active} takes the entries`,
  )
}

/** Whether new entries are taken; every replica obeys with its next batch. `reason` is what writers are told. */
export async function setMode(
  db: Queryable,
  series: string,
  mode: LogMode,
  reason: string | undefined,
): Promise<void> {
  const { rowCount } = await db.query(
    'update log set mode = $2, mode_reason = $3 where coalesce(series, name) = $1 and final_size is null',
    [series, mode, reason ?? null],
  )
  if (rowCount === 0) throw await notActive(db, series)
}

/**
 * Entries of a log that need not be open, from `start` up to but not including `end`; fewer when they are long. What is missing in
 * the table is missing here.
 */
export async function readLogEntries(
  db: Queryable,
  name: string,
  start: bigint,
  end: bigint,
): Promise<readonly LogEntry[]> {
  const row = await findLog(db, name)
  return row === undefined ? [] : readPage(db, row.logNo, start, end)
}

/** Those at these indexes, in their order; `undefined` for what is not there. */
export async function readLogEntriesAt(
  db: Queryable,
  name: string,
  leafIndexes: readonly bigint[],
): Promise<readonly (LogEntry | undefined)[]> {
  const row = await findLog(db, name)
  const found = row === undefined ? [] : await readEntriesAt(db, row.logNo, leafIndexes)
  const byIndex = new Map(found.map((entry) => [entry.leafIndex, entry]))
  return leafIndexes.map((index) => byIndex.get(index))
}
