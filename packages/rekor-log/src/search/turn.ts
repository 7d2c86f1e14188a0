/** One turn at following the log: the next entries, as its tables hold them, and what each is found by. */
import type { LogEntry } from '@sigstack/log-engine'
import type { Pool, Queryable } from '@sigstack/postgres'
import { readStoredEntries, shardsOfLog } from '../shards/stored-log.ts'
import { type SearchKey, searchKeyOf } from './search-key.ts'
import { advance, type IndexedEntry, readPosition, type SearchedLog, searchTableOf } from './store.ts'

export type Turn = {
  /** `not ours`: another process is at it. `full`: there is probably more. */
  readonly outcome: 'full' | 'moved' | 'at the end' | 'not ours'
  /** Entries below it can be found, whoever put them there. */
  readonly position: bigint
}

/** Who follows the log: this thread or another one. */
export type Turns = {
  /** One at a time. */
  take(): Promise<Turn>
  stop(): Promise<void>
}

export type TurnOptions = {
  readonly pool: Pool
  /** Default `rekor-v1`. */
  readonly name?: SearchedLog
  /** Of the first shard, which names the index. */
  readonly logId: Uint8Array
  /** The keys of a stored entry. An entry for which it throws is indexed under none. */
  readonly searchKeysOf: (entry: LogEntry) => readonly SearchKey[]
  readonly onError: (error: unknown) => void
}

/** So many that what a turn costs by itself does not count. */
const entriesPerTurn = 500

export function createTurns({ pool, name = 'rekor-v1', logId, searchKeysOf, onError }: TurnOptions): Turns {
  /** One entry that cannot be read must not stop the index. */
  function keysOf(entry: LogEntry): IndexedEntry {
    let keys: readonly SearchKey[] = []
    try {
      keys = searchKeysOf(entry)
    } catch (error) {
      onError(error)
    }
    return { leafIndex: entry.leafIndex, keys: keys.map((key) => searchKeyOf(logId, key)) }
  }

  async function indexFrom(from: bigint, tx: Queryable): Promise<readonly IndexedEntry[]> {
    const shards = await shardsOfLog(tx, name)
    const end = from + BigInt(entriesPerTurn)
    const indexed: IndexedEntry[] = []
    for await (const page of readStoredEntries(tx, shards, from, end)) indexed.push(...page.map(keysOf))
    return indexed
  }

  return {
    take: async () => {
      let count = 0
      const position = await advance(pool, { logId, table: searchTableOf(name) }, async (from, tx) => {
        const entries = await indexFrom(from, tx)
        count = entries.length
        return entries
      })
      if (position === undefined) return { outcome: 'not ours', position: await readPosition(pool, logId) }
      const outcome = count === entriesPerTurn ? 'full' : count > 0 ? 'moved' : 'at the end'
      return { outcome, position }
    },
    stop: async () => {},
  }
}
