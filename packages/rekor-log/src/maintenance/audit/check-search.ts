/**
 * Whether search finds what the entries say; the index is a hint, so a fault here is mended by building it anew.
 *
 * The rows of a block of entries are compared as three sums, which the database forms in one pass over the index: asking for each row
 * alone takes many times as long. Only where sums differ are the rows themselves compared.
 */
import type { Findings, LogEntry } from '@sigstack/log-engine'
import type { Pool } from '@sigstack/postgres'
import { createKeyThreads } from '../../search/key-threads.ts'
import {
  type IndexedEntry,
  migrateSearch,
  readFactsFrom,
  readPosition,
  type SearchedLog,
  searchTableOf,
} from '../../search/store.ts'
import { storedKeysOf } from '../../search/stored-keys.ts'
import { lengthOf, type NumberedShard, readStoredEntries } from '../../shards/stored-log.ts'

export type SearchCheck = {
  /** Takes a page of entries with their virtual indexes; resolves when there is room for another. */
  entries(entries: readonly LogEntry[]): Promise<void>
  /** Compares the index with the entries that were taken. */
  finish(): Promise<void>
  checked(): bigint
  stop(): Promise<void>
}

/** How much of the index to compare. */
export type SearchExtent = 'all' | 'sample' | 'none'

export type SearchCheckOptions = {
  readonly pool: Pool
  readonly name: SearchedLog
  /** Of the first shard, which names the index. */
  readonly logId: Uint8Array
  /** Entries of blocks that begin below it are not checked. */
  readonly from: bigint
  /** How far the index says that it is complete; entries beyond it are not checked. */
  readonly position: bigint
  readonly extent: 'all' | 'sample'
  /** Entries again, by virtual index, where the index is wrong about them. */
  readonly readEntries: (start: bigint, end: bigint) => AsyncIterable<readonly LogEntry[]>
  readonly findings: Findings
}

/** The check of a log as it lies in the database, and how far its index says that it is complete. */
export async function openSearchCheck(
  pool: Pool,
  rows: readonly NumberedShard[],
  {
    name,
    extent,
    findings,
  }: Pick<SearchCheckOptions, 'name' | 'findings'> & { readonly extent: SearchExtent },
): Promise<{ readonly indexed: bigint; readonly check: SearchCheck | undefined }> {
  const logId = rows[0]?.logId ?? Buffer.alloc(32)
  await migrateSearch(pool, { name, logId })
  const indexed = await readPosition(pool, logId)
  if (extent === 'none') return { indexed, check: undefined }
  const total = lengthOf(rows)
  const check = createSearchCheck({
    pool,
    name,
    logId,
    // Rows of an older form are not compared; an index that was built anew has none.
    from: await readFactsFrom(pool, logId),
    // What is logged from now on is not audited.
    position: indexed < total ? indexed : total,
    extent,
    readEntries: (start, end) => readStoredEntries(pool, rows, start, end),
    findings,
  })
  return { indexed, check }
}

/** What the rows of a block come to. */
type Sums = { rows: bigint; keys: bigint; places: bigint }

const blockEntries = 2048n
/** A sample is every so many blocks one. */
const sampleEvery = 16n
/** Blocks whose rows are compared one by one. */
const mostBlocksNamed = 50
/** Keeps a key times a place, summed over a block, within 64 bits. */
const keyBits = 26
const beyond = -1n

export function createSearchCheck(options: SearchCheckOptions): SearchCheck {
  const { pool, logId, position, extent, findings } = options
  const table = searchTableOf(options.name)
  const from = ((options.from + blockEntries - 1n) / blockEntries) * blockEntries
  const step = extent === 'all' ? 1n : sampleEvery
  const expected = new Map<bigint, Sums>()
  let checked = 0n

  const threads = createKeyThreads({ logId, onKeys: ({ entries }) => entries.forEach(addSums) })

  function addSums({ leafIndex, keys }: IndexedEntry): void {
    const block = leafIndex / blockEntries
    const sums = expected.get(block) ?? { rows: 0n, keys: 0n, places: 0n }
    expected.set(block, sums)
    const place = (leafIndex % blockEntries) + 1n
    for (const key of keys) {
      sums.rows++
      sums.keys ^= key
      sums.places += BigInt.asUintN(keyBits, key) * place
    }
  }

  return {
    checked: () => checked,
    stop: threads.stop,
    entries: async (entries) => {
      const wanted = entries.filter(
        ({ leafIndex }) =>
          leafIndex >= from && leafIndex < position && (leafIndex / blockEntries) % step === 0n,
      )
      checked += BigInt(wanted.length)
      await threads.push(wanted)
    },
    finish: async () => {
      await threads.drain()
      const found = await readSums()
      found.delete(beyond)
      const wrong = [...new Set([...expected.keys(), ...found.keys()])]
        .filter((block) => !isSame(expected.get(block), found.get(block)))
        .toSorted((a, b) => Number(a - b))
      for (const block of wrong.slice(0, mostBlocksNamed)) await nameRows(block)
      const [unnamed] = wrong.slice(mostBlocksNamed)
      if (unnamed === undefined) return
      findings.add(
        'search',
        `the search index is wrong about more entries in ${wrong.length - mostBlocksNamed} blocks of ${blockEntries}, from entry ${unnamed * blockEntries} on`,
      )
    },
  }

  /** By block; and what the index holds of entries that it cannot have read yet, which is told at once. */
  async function readSums(): Promise<Map<bigint, Sums>> {
    const { rows } = await pool.query<Sums & { block: bigint; first: bigint }>(
      `select case when leaf_index < $1 then leaf_index / ${blockEntries} else ${beyond} end as block,
              min(leaf_index) as first, count(*) as rows, bit_xor(key) as keys,
              sum((key & ${2 ** keyBits - 1}) * (leaf_index % ${blockEntries} + 1))::bigint as places
         from ${table}
        where (leaf_index >= $4 and leaf_index < $1 and leaf_index / ${blockEntries} % $3 = 0)
           or leaf_index >= (select next_index from search_position where log_id = $2)
        group by 1`,
      [position, Buffer.from(logId), step, from],
    )
    for (const { block, first, rows: count } of rows) {
      if (block !== beyond) continue
      findings.add(
        'search',
        `${count} search keys are of entries that are not indexed yet, from entry ${first} on`,
      )
    }
    return new Map(rows.map(({ block, rows: count, keys, places }) => [block, { rows: count, keys, places }]))
  }

  async function nameRows(block: bigint): Promise<void> {
    const start = block * blockEntries
    const end = start + blockEntries < position ? start + blockEntries : position
    const { rows } = await pool.query<{ leaf_index: bigint; keys: bigint[] }>(
      `select leaf_index, array_agg(key) as keys from ${table} where leaf_index >= $1 and leaf_index < $2 group by leaf_index`,
      [start, end],
    )
    const found = new Map(rows.map((row) => [row.leaf_index, new Set(row.keys)]))
    for await (const page of options.readEntries(start, end)) {
      for (const entry of page) {
        const { leafIndex } = entry
        const wanted = storedKeysOf(logId, entry)
        const there = found.get(leafIndex) ?? new Set<bigint>()
        found.delete(leafIndex)
        const missing = countBeyond(wanted, there)
        const surplus = countBeyond(there, wanted)
        if (missing > 0)
          findings.add('search', `entry ${leafIndex} is not found by ${missing} of its search keys`)
        if (surplus > 0)
          findings.add('search', `entry ${leafIndex} is found by ${surplus} search keys that are not its own`)
      }
    }
    for (const leafIndex of found.keys())
      findings.add('search', `search finds an entry ${leafIndex} that is not there`)
  }
}

/** Entries of a shard by the indexes that they have in the whole log. */
export function numbered(firstIndex: bigint, page: readonly LogEntry[]): readonly LogEntry[] {
  return page.map((entry) => ({ ...entry, leafIndex: firstIndex + entry.leafIndex }))
}

function isSame(a: Sums | undefined, b: Sums | undefined): boolean {
  const none = { rows: 0n, keys: 0n, places: 0n }
  const { rows, keys, places } = a ?? none
  const other = b ?? none
  return rows === other.rows && keys === other.keys && places === other.places
}

/** How many of `keys` are not among `others`. */
function countBeyond(keys: ReadonlySet<bigint>, others: ReadonlySet<bigint>): number {
  return [...keys].filter((key) => !others.has(key)).length
}
