/** Whether search finds what the entries say; the index is a hint, so a fault here is mended by building it anew. */
import type { Findings, LogEntry } from '@sigstack/log-engine'
import type { Pool } from '@sigstack/postgres'
import { searchKeysOfEntry } from '../faces/rekor-v1/index.ts'
import { searchKeyOf } from '../search/store.ts'

export type SearchCheck = {
  /** Takes a page of entries with their virtual indexes. */
  entries(entries: readonly LogEntry[]): Promise<void>
  /** Whether there are rows that no entry asked for; only a check of all entries can tell. */
  finish(): Promise<void>
  checked(): bigint
}

const sampleEvery = 100n

/**
 * @param logId Of the first shard, which names the index.
 * @param position How far the index says that it is complete.
 */
export function createSearchCheck(options: {
  readonly pool: Pool
  readonly logId: Uint8Array
  readonly position: bigint
  readonly extent: 'all' | 'sample'
  readonly findings: Findings
}): SearchCheck {
  const { pool, logId, position, extent, findings } = options
  let checked = 0n
  let rows = 0n
  let end = 0n

  return {
    checked: () => checked,
    entries: async (entries) => {
      const keys: bigint[] = []
      const indexes: bigint[] = []
      for (const entry of entries) {
        const { leafIndex } = entry
        if (leafIndex >= position || (extent === 'sample' && leafIndex % sampleEvery !== 0n)) continue
        checked++
        end = leafIndex + 1n
        for (const key of keysOf(logId, entry)) {
          rows++
          keys.push(key)
          indexes.push(leafIndex)
        }
      }
      if (keys.length === 0) return
      const { rows: missing } = await pool.query<{ leaf_index: bigint; keys: bigint }>({
        name: 'search-audit',
        text: `select wanted.leaf_index, count(*) as keys from unnest($1::bigint[], $2::bigint[]) as wanted (key, leaf_index)
                where not exists (select 1 from search_key as found
                                   where found.key = wanted.key and found.leaf_index = wanted.leaf_index)
                group by wanted.leaf_index order by wanted.leaf_index`,
        values: [`{${keys.join()}}`, `{${indexes.join()}}`],
      })
      for (const { leaf_index: leafIndex, keys: count } of missing) {
        findings.add('search', `entry ${leafIndex} is not found by ${count} of its search keys`)
      }
    },
    finish: async () => {
      if (extent !== 'all') return
      const { rows: counted } = await pool.query<{ count: bigint }>(
        'select count(*) from search_key where leaf_index < $1',
        [end],
      )
      const surplus = (counted[0]?.count ?? 0n) - rows
      if (surplus > 0n) findings.add('search', `${surplus} rows of the search index are of no entry’s keys`)
    },
  }
}

/** As the follower writes them: an entry that cannot be read has none. */
function keysOf(logId: Uint8Array, entry: LogEntry): ReadonlySet<bigint> {
  try {
    return new Set(searchKeysOfEntry(entry).map((key) => searchKeyOf(logId, key)))
  } catch {
    return new Set()
  }
}
