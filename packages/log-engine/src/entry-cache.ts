/** Entries that were read, for whoever reads them next. They never change; the least recently used go first. */
import type { Hash } from '@sigstack/merkle'
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
  const entries = new Map<bigint, LogEntry>()
  const indexes = new Map<string, bigint>()
  let bytes = 0

  function use(leafIndex: bigint): LogEntry | undefined {
    const entry = entries.get(leafIndex)
    if (entry === undefined) return undefined
    entries.delete(leafIndex)
    entries.set(leafIndex, entry)
    return entry
  }

  function forget(entry: LogEntry): void {
    entries.delete(entry.leafIndex)
    indexes.delete(hexOf(entry.leafHash))
    bytes -= sizeOf(entry)
  }

  return {
    byIndex: use,
    byLeafHash: (leafHash) => {
      const leafIndex = indexes.get(hexOf(leafHash))
      return leafIndex === undefined ? undefined : use(leafIndex)
    },
    keep: (entry) => {
      const known = use(entry.leafIndex)
      if (known !== undefined) return known
      // What the driver gives is often a view of something larger.
      const { leafIndex, sequencedAtMs, leafHash } = entry
      const extra = entry.extra && Uint8Array.from(entry.extra)
      const own = { leafIndex, sequencedAtMs, leafHash, leaf: Uint8Array.from(entry.leaf), extra }
      if (sizeOf(own) > limitBytes) return own
      entries.set(leafIndex, own)
      indexes.set(hexOf(leafHash), leafIndex)
      bytes += sizeOf(own)
      for (const oldest of entries.values()) {
        if (bytes <= limitBytes) break
        forget(oldest)
      }
      return own
    },
  }
}

function sizeOf({ leaf, extra }: LogEntry): number {
  return leaf.length + (extra?.length ?? 0) + overheadBytes
}
