/** A log that is searched: the one that a face has open, or another one of the same database. */

import { toHex } from '@sigstack/crypto'
import { type LogEntry, listLine, orUnavailable } from '@sigstack/log-engine'
import type { Pool } from '@sigstack/postgres'
import {
  isSearchedLog,
  type LogPart,
  openStoredSearch,
  type Page,
  type PageQuery,
  parseOrigin,
  readByShard,
  type SearchedLog,
  type SearchIndex,
  type SearchKey,
  treeIdHex,
} from '@sigstack/rekor-log'

/** An entry and where it is. Indexes are virtual ones, over all shards of its log. */
export type Located = { readonly origin: string; readonly firstIndex: bigint; readonly entry: LogEntry }

/** As it is at the time of a query. */
export type SearchSource = {
  readonly log: SearchedLog
  /** Entries below it can be found. */
  readonly indexed: bigint
  page(query: PageQuery<SearchKey>): Promise<Page>
  /** In the order of `indexes`; `undefined` for what is not there. */
  read(indexes: readonly bigint[]): Promise<readonly (Located | undefined)[]>
}

/** `undefined`: there is no such log. */
export type OpenSource = {
  readonly log: SearchedLog
  /** `byKeys`: whether keys are looked up, for which the index is waited for; without them all that is logged can be found. */
  open(byKeys: boolean): Promise<SearchSource | undefined>
}

export function ownSource(
  log: SearchedLog,
  search: Pick<SearchIndex, 'page' | 'indexed' | 'logged'>,
  parts: () => readonly LogPart[],
): OpenSource {
  return {
    log,
    open: async (byKeys) => ({
      log,
      indexed: await (byKeys ? search.indexed() : search.logged()),
      page: (query) => search.page(query),
      read: async (indexes) => {
        const found = await readByShard(parts(), indexes, ({ log }, own) => log.readEntriesAt(own))
        return found.map(
          (each) =>
            each && { origin: each.shard.log.origin, firstIndex: each.shard.firstIndex, entry: each.entry },
        )
      },
    }),
  }
}

/** The logs of Rekor v2 that follow each other in the same database. */
export async function storedSources(readers: Pool): Promise<readonly OpenSource[]> {
  const logs = await orUnavailable(listLine(readers, 'rekor-v2'))
  return logs.flatMap(({ name }) => (isSearchedLog(name) ? [storedSource(name, readers)] : []))
}

export function storedSource(log: SearchedLog, readers: Pool): OpenSource {
  return {
    log,
    open: async () => {
      const stored = await openStoredSearch(readers, log)
      return (
        stored && {
          log,
          indexed: stored.indexed,
          page: stored.page,
          read: async (indexes) => {
            const found = await stored.readEntries(indexes)
            return found.map((each) => each && { ...each.shard, entry: each.entry })
          },
        }
      )
    },
  }
}

/** What names the entry to those who read the log: Rekor v1 numbers over all shards, and has IDs. */
export function namesOf(
  log: SearchedLog,
  { origin, firstIndex, entry }: Located,
): { readonly logIndex: bigint; readonly entryId?: string } {
  const shard = log === 'rekor-v1' ? parseOrigin(origin) : undefined
  return shard === undefined
    ? { logIndex: entry.leafIndex }
    : {
        logIndex: firstIndex + entry.leafIndex,
        entryId: treeIdHex(shard.treeId) + toHex(entry.leafHash),
      }
}
