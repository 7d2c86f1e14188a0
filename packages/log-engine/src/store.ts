/** The SQL of a log. Functions take a pool or a transaction and return what the rest of the engine speaks of. */
import { asHash, emptyRootHash, type Hash, hashBytes, type TreeHead, tileWidth } from '@sigstack/merkle'
import type { Queryable } from '@sigstack/postgres'
import type { LogEntry } from './log.ts'
import { unpack } from './pack.ts'

/** Number of a log in this database. */
export type LogNo = number

export type LogRow = { readonly logNo: LogNo; readonly logId: Buffer; readonly origin: string }

/** The tree head, and the time of the newest entry in milliseconds since the epoch. */
export type CommittedHead = TreeHead & { readonly lastSequencedAtMs: number }

/** With the time when it became the last one, in milliseconds since the epoch, if it did and that is known. */
export type StoredHead = CommittedHead & { readonly frozenAtMs: number | undefined }

/** What a writer learns with its turn: the head, and whether it may write. */
export type LockedHead = CommittedHead & {
  /** What the database's clock shows, in milliseconds since the epoch. */
  readonly clockMs: number
  readonly isFrozen: boolean
  readonly mode: LogMode
  readonly modeReason: string | undefined
}

/** Whether new entries are taken. */
export type LogMode = 'open' | 'read-only' | 'maintenance'

type EntryRow = {
  log_no: LogNo
  leaf_index: bigint
  sequenced_at: bigint
  leaf_hash: Buffer
  identity: Buffer | null
  leaf: Buffer
  extra: Buffer | null
}

/** An entry with the identity that it is found by. */
export type StoredEntry = LogEntry & { readonly identity: Hash }

const entryColumns = 'leaf_index, sequenced_at, leaf_hash, identity, leaf, extra'

/** The log of that name, made with `origin` if there is none yet. */
export async function findOrCreateLog(
  db: Queryable,
  log: { name: string; logId: Uint8Array; newOrigin: () => string },
): Promise<LogRow> {
  const existing = await findLog(db, log.name)
  if (existing !== undefined) return existing
  // Of two processes that start at once, the second inserts nothing and finds the first one's log.
  await db.query(
    'insert into log (name, log_id, origin, root_hash) values ($1, $2, $3, $4) on conflict do nothing',
    [log.name, Buffer.from(log.logId), log.newOrigin(), emptyRootHash],
  )
  const created = await findLog(db, log.name)
  if (created === undefined)
    throw new Error(`the log ${log.name} was not made: is its origin taken by another log of this key?`)
  return created
}

export async function findLog(db: Queryable, name: string): Promise<LogRow | undefined> {
  const { rows } = await db.query<{ log_no: number; log_id: Buffer; origin: string }>(
    'select log_no, log_id, origin from log where name = $1',
    [name],
  )
  const [row] = rows
  return row && { logNo: row.log_no, logId: row.log_id, origin: row.origin }
}

type HeadRow = { tree_size: bigint; root_hash: Buffer; last_sequenced_at: bigint }

/** The committed tree head. */
export async function readHead(db: Queryable, logNo: LogNo): Promise<StoredHead> {
  const { rows } = await db.query<HeadRow & { frozen_at: bigint | null }>({
    name: 'log-head',
    text: 'select tree_size, root_hash, last_sequenced_at, frozen_at from log where log_no = $1',
    values: [logNo],
  })
  const [row] = rows
  return {
    ...headOf(row),
    frozenAtMs: typeof row?.frozen_at === 'bigint' ? Number(row.frozen_at) : undefined,
  }
}

/** The tree head, with the turn to write held until the transaction ends. */
export async function lockHead(tx: Queryable, logNo: LogNo): Promise<LockedHead> {
  const { rows } = await tx.query<
    HeadRow & { is_frozen: boolean; mode: LogMode; mode_reason: string | null; clock_ms: bigint }
  >({
    name: 'log-lock-head',
    // Not `for update`: that would also wait for everyone who only refers to this row.
    text: `select tree_size, root_hash, last_sequenced_at, final_size is not null as is_frozen, mode, mode_reason,
                  (extract(epoch from clock_timestamp()) * 1000)::bigint as clock_ms
             from log where log_no = $1 for no key update`,
    values: [logNo],
  })
  const [row] = rows
  if (row === undefined) throw rowGone()
  return {
    ...headOf(row),
    clockMs: Number(row.clock_ms),
    isFrozen: row.is_frozen,
    mode: row.mode,
    modeReason: row.mode_reason ?? undefined,
  }
}

function rowGone(): Error {
  return new Error('the row of this log is gone from the database')
}

function headOf(row: HeadRow | undefined): CommittedHead {
  if (row === undefined) throw rowGone()
  return {
    size: row.tree_size,
    rootHash: asHash(row.root_hash),
    lastSequencedAtMs: Number(row.last_sequenced_at),
  }
}

/** Entries of these identities, in no order. */
export async function findByIdentities(
  db: Queryable,
  logNo: LogNo,
  identities: readonly Hash[],
): Promise<readonly StoredEntry[]> {
  const { rows } = await db.query<EntryRow>({
    name: 'log-find-identities',
    // One index lookup a key, whatever the statistics say: `offset 0` keeps the planner from joining otherwise, and the
    // log's number is left out because it would rather read that whole index too.
    text: `select found.* from unnest($1::bigint[]) as wanted (key) cross join lateral (
             select log_no, ${entryColumns} from entry where identity_key = wanted.key offset 0
           ) as found`,
    values: [identities.map(keyOf)],
  })
  const wanted = new Set(identities.map(hexOf))
  return rows
    .filter((row) => row.log_no === logNo)
    .map(entryOf)
    .filter((entry) => wanted.has(hexOf(entry.identity)))
}

export async function findByLeafHash(db: Queryable, logNo: LogNo, hash: Hash): Promise<LogEntry | undefined> {
  const { rows } = await db.query<EntryRow>({
    name: 'log-find-leaf',
    text: `select log_no, ${entryColumns} from entry where identity_key = $1 and identity is null
           union all select log_no, ${entryColumns} from entry where leaf_key = $1`,
    values: [keyOf(hash)],
  })
  return rows
    .filter((row) => row.log_no === logNo)
    .map(entryOf)
    .find((entry) => Buffer.compare(entry.leafHash, hash) === 0)
}

/** Entries from `start` on, in order. */
export async function readEntries(
  db: Queryable,
  logNo: LogNo,
  start: bigint,
  end: bigint,
): Promise<readonly LogEntry[]> {
  const { rows } = await db.query<EntryRow>({
    name: 'log-read-entries',
    text: `select log_no, ${entryColumns} from entry where log_no = $1 and leaf_index >= $2 and leaf_index < $3 order by leaf_index`,
    values: [logNo, start, end],
  })
  return rows.map(entryOf)
}

/** Those that are there of the entries at these indexes, in no order. */
export async function readEntriesAt(
  db: Queryable,
  logNo: LogNo,
  leafIndexes: readonly bigint[],
): Promise<readonly LogEntry[]> {
  const { rows } = await db.query<EntryRow>({
    name: 'log-read-entries-at',
    text: `select log_no, ${entryColumns} from entry where log_no = $1 and leaf_index = any ($2::bigint[])`,
    values: [logNo, leafIndexes],
  })
  return rows.map(entryOf)
}

/** The hashes of a tile, at least `width` of them; `undefined` when they are not there. */
export async function readTileHashes(
  db: Queryable,
  logNo: LogNo,
  tile: { level: number; index: bigint; width: number },
): Promise<Uint8Array | undefined> {
  const stored = await db.query<{ hashes: Buffer }>({
    name: 'log-read-tile',
    text: 'select hashes from tile where log_no = $1 and level = $2 and tile_index = $3',
    values: [logNo, tile.level, tile.index],
  })
  const hashes =
    stored.rows[0]?.hashes ?? (tile.level === 0 ? await readLeafHashes(db, logNo, tile) : undefined)
  return hashes !== undefined && hashes.length >= tile.width * hashBytes ? hashes : undefined
}

/** The unfinished tile of level 0 is not stored: its hashes are those of its entries. */
async function readLeafHashes(
  db: Queryable,
  logNo: LogNo,
  { index, width }: { index: bigint; width: number },
): Promise<Uint8Array> {
  const start = index * BigInt(tileWidth)
  const { rows } = await db.query<{ leaf_hash: Buffer }>({
    name: 'log-read-leaf-hashes',
    text: 'select leaf_hash from entry where log_no = $1 and leaf_index >= $2 and leaf_index < $3 order by leaf_index',
    values: [logNo, start, start + BigInt(width)],
  })
  return Buffer.concat(rows.map((row) => row.leaf_hash))
}

function entryOf(row: EntryRow): StoredEntry {
  const leafHash = asHash(row.leaf_hash)
  return {
    leafIndex: row.leaf_index,
    sequencedAtMs: Number(row.sequenced_at),
    leafHash,
    identity: row.identity === null ? leafHash : asHash(row.identity),
    leaf: unpack(row.leaf),
    extra: row.extra ?? undefined,
  }
}

/** The first 8 bytes of a hash, as PostgreSQL's signed bigint. */
export function keyOf(hash: Hash): bigint {
  return Buffer.from(hash.buffer, hash.byteOffset, hashBytes).readBigInt64BE(0)
}

/** A hash as a key of maps and sets. */
export function hexOf(hash: Hash): string {
  return Buffer.from(hash.buffer, hash.byteOffset, hashBytes).toString('latin1')
}
