/** Entries that were read, for whoever reads them next. They never change; the least recently used go first. */
import type { Hash } from '@sigstack/merkle'
import { LRUCache } from 'lru-cache'
import type { LogEntry } from './log.ts'
import { hexOf } from './store.ts'

export type EntryCache = {
  byIndex(leafIndex: bigint): LogEntry | undefined
  byLeafHash(leafHash: Hash): LogEntry | undefined
  /** The entry in memory of its own; the same object for all who ask from now on. */
  keep(entry: LogEntry): LogEntry
}

/** What an entry takes beside its bytes: hashes, keys, objects; a guess on the safe side. */
const overheadBytes = 600

export function createEntryCache(limitBytes: number): EntryCache {
  const indexes = new Map<string, bigint>()
  const entries = new LRUCache<bigint, LogEntry>({
    maxSize: limitBytes,
    sizeCalculation: ({ leaf, extra }) => leaf.length + (extra?.length ?? 0) + overheadBytes,
    onInsert: ({ leafIndex, leafHash }) => indexes.set(hexOf(leafHash), leafIndex),
    dispose: ({ leafHash }) => indexes.delete(hexOf(leafHash)),
  })

  return {
    byIndex: (leafIndex) => entries.get(leafIndex),
    byLeafHash: (leafHash) => {
      const leafIndex = indexes.get(hexOf(leafHash))
      return leafIndex === undefined ? undefined : entries.get(leafIndex)
    },
    keep: (entry) => {
      const known = entries.get(entry.leafIndex)
      if (known !== undefined) return known
      // What the driver gives is often a view of something larger.
      const { leafIndex, sequencedAtMs, leafHash } = entry
      const extra = entry.extra && Uint8Array.from(entry.extra)
      const own = { leafIndex, sequencedAtMs, leafHash, leaf: Uint8Array.from(entry.leaf), extra }
      entries.set(leafIndex, own)
      return own
    },
  }
}
