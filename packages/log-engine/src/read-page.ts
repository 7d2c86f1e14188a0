/**
 * Entries for reading a whole log: a page is one row of a few long byte strings, which costs the driver a tenth of what as many
 * rows would.
 */
import { asHash, type Hash, hashBytes } from '@sigstack/merkle'
import type { Queryable } from '@sigstack/postgres'
import { unpack } from './pack.ts'
import type { LogNo, StoredEntry } from './store.ts'

/** An entry as it lies in the table, with everything that is kept beside its bytes. */
export type RawEntry = StoredEntry & {
  readonly identityKey: bigint
  /** Whether the identity is kept on its own; otherwise it is the leaf hash. */
  readonly hasOwnIdentity: boolean
  readonly leafKey: bigint | undefined
}

/** A page ends with the entry that makes it longer than this. */
const pageBytes = 16 * 1024 * 1024
/** And one of leaves alone, during whose taking from the driver nothing else is done. */
const leavesBytes = 512 * 1024

type PageRow = {
  indexes: Buffer | null
  times: Buffer
  hashes: Buffer
  identity_keys: Buffer
  identities: Buffer
  own: Buffer
  leaf_keys: Buffer
  leaf_lengths: Buffer
  leaves: Buffer
  extra_lengths: Buffer
  extras: Buffer
}

/**
 * Entries from `start` up to but not including `end`, in order; fewer when they are long. What is missing in the table is missing
 * here. Entries whose hashes have not 32 bytes are refused with an error: such a table was not written by a log.
 */
export async function readPage(
  db: Queryable,
  logNo: LogNo,
  start: bigint,
  end: bigint,
): Promise<readonly RawEntry[]> {
  const { rows } = await db.query<PageRow>({
    name: 'log-read-page',
    text: `
      with page as (
        select leaf_index, sequenced_at, leaf_hash, identity_key, identity, leaf_key, leaf, extra,
               sum(octet_length(leaf) + coalesce(octet_length(extra), 0)) over (order by leaf_index) as bytes
          from entry where log_no = $1 and leaf_index >= $2 and leaf_index < $3
      )
      select string_agg(int8send(leaf_index), '') as indexes,
             string_agg(int8send(sequenced_at), '') as times,
             string_agg(leaf_hash, '') as hashes,
             string_agg(int8send(identity_key), '') as identity_keys,
             string_agg(coalesce(identity, leaf_hash), '') as identities,
             string_agg(case when identity is null then '\\x00'::bytea else '\\x01' end, '') as own,
             string_agg(int8send(coalesce(leaf_key, 0)), '') as leaf_keys,
             string_agg(int4send(octet_length(leaf)), '') as leaf_lengths,
             string_agg(leaf, '') as leaves,
             string_agg(int4send(coalesce(octet_length(extra), -1)), '') as extra_lengths,
             string_agg(coalesce(extra, ''), '') as extras
        from (select * from page where bytes <= ${pageBytes} or leaf_index = (select min(leaf_index) from page)
               order by leaf_index) as ordered`,
    values: [logNo, start, end],
  })
  const [row] = rows
  return row === undefined || row.indexes === null ? [] : entriesOf(row, row.indexes)
}

/** What is hashed of the entries from `start` up to but not including `end`, in order; fewer when they are long. */
export async function readLeaves(
  db: Queryable,
  logNo: LogNo,
  start: bigint,
  end: bigint,
): Promise<readonly Uint8Array[]> {
  const { rows } = await db.query<{ lengths: Buffer | null; leaves: Buffer }>({
    name: 'log-read-leaves',
    text: `
      with page as (
        select leaf_index, leaf, sum(octet_length(leaf)) over (order by leaf_index) as bytes
          from entry where log_no = $1 and leaf_index >= $2 and leaf_index < $3
      )
      select string_agg(int4send(octet_length(leaf)), '') as lengths, string_agg(leaf, '') as leaves
        from (select * from page where bytes <= ${leavesBytes} or leaf_index = $2 order by leaf_index) as ordered`,
    values: [logNo, start, end],
  })
  const [{ lengths, leaves } = { lengths: null, leaves: Buffer.alloc(0) }] = rows
  const read: Uint8Array[] = []
  for (let at = 0, from = 0; at < (lengths?.length ?? 0); at += 4) {
    const to = from + (lengths?.readInt32BE(at) ?? 0)
    read.push(unpack(leaves.subarray(from, to)))
    from = to
  }
  return read
}

function entriesOf(row: PageRow, indexes: Buffer): readonly RawEntry[] {
  const count = indexes.length / 8
  if (row.hashes.length !== count * hashBytes || row.identities.length !== count * hashBytes) {
    const first = indexes.readBigInt64BE(0)
    throw new RangeError(`an entry from ${first} on has a hash or an identity that is not 32 bytes long`)
  }
  const entries: RawEntry[] = []
  let leafAt = 0
  let extraAt = 0
  for (let at = 0; at < count; at++) {
    const leafEnd = leafAt + row.leaf_lengths.readInt32BE(at * 4)
    const extraLength = row.extra_lengths.readInt32BE(at * 4)
    const extraEnd = extraAt + Math.max(extraLength, 0)
    const hasOwnIdentity = row.own[at] === 1
    entries.push({
      leafIndex: indexes.readBigInt64BE(at * 8),
      sequencedAtMs: Number(row.times.readBigInt64BE(at * 8)),
      leafHash: hashAt(row.hashes, at),
      identity: hashAt(row.identities, at),
      identityKey: row.identity_keys.readBigInt64BE(at * 8),
      hasOwnIdentity,
      leafKey: hasOwnIdentity ? row.leaf_keys.readBigInt64BE(at * 8) : undefined,
      leaf: unpackOrKeep(row.leaves.subarray(leafAt, leafEnd)),
      extra: extraLength < 0 ? undefined : row.extras.subarray(extraAt, extraEnd),
    })
    leafAt = leafEnd
    extraAt = extraEnd
  }
  return entries
}

/** Damaged bytes may have no readable form; as they are they hash to something else, and that is told. */
function unpackOrKeep(stored: Buffer): Uint8Array {
  try {
    return unpack(stored)
  } catch {
    return stored
  }
}

function hashAt(hashes: Buffer, at: number): Hash {
  return asHash(hashes.subarray(at * hashBytes, (at + 1) * hashBytes))
}
