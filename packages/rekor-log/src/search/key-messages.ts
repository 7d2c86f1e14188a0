/** Pages of entries on their way to a thread, and their keys on the way back: long arrays, which are moved and not copied. */
import type { LogEntry } from '@sigstack/log-engine'
import type { IndexedEntry } from './store.ts'
import { storedKeysOf } from './stored-keys.ts'

/** What keys are made of. */
export type KeyedEntry = Pick<LogEntry, 'leafIndex' | 'leaf' | 'extra'>

export type KeysRequest = {
  readonly indexes: BigInt64Array<ArrayBuffer>
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly leafLengths: Uint32Array<ArrayBuffer>
  /** −1 where there is none. */
  readonly extraLengths: Int32Array<ArrayBuffer>
}

export type KeysReply = {
  readonly indexes: BigInt64Array<ArrayBuffer>
  readonly counts: Uint32Array<ArrayBuffer>
  readonly keys: BigInt64Array<ArrayBuffer>
  readonly unreadable: number
}

export type PageKeys = {
  readonly entries: readonly IndexedEntry[]
  /** Entries that have no keys because they cannot be read. */
  readonly unreadable: number
}

export function keysOfPage(logId: Uint8Array, page: readonly KeyedEntry[]): PageKeys {
  let unreadable = 0
  const entries = page.map((entry) => ({
    leafIndex: entry.leafIndex,
    keys: [...storedKeysOf(logId, entry, () => unreadable++)],
  }))
  return { entries, unreadable }
}

export function encodeRequest(page: readonly KeyedEntry[]): KeysRequest {
  const bytes = new Uint8Array(
    page.reduce((sum, { leaf, extra }) => sum + leaf.length + (extra?.length ?? 0), 0),
  )
  let at = 0
  for (const { leaf, extra } of page) {
    bytes.set(leaf, at)
    at += leaf.length
    if (extra !== undefined) bytes.set(extra, at)
    at += extra?.length ?? 0
  }
  return {
    indexes: BigInt64Array.from(page, ({ leafIndex }) => leafIndex),
    bytes,
    leafLengths: Uint32Array.from(page, ({ leaf }) => leaf.length),
    extraLengths: Int32Array.from(page, ({ extra }) => extra?.length ?? -1),
  }
}

export function parseRequest({
  indexes,
  bytes,
  leafLengths,
  extraLengths,
}: KeysRequest): readonly KeyedEntry[] {
  let at = 0
  const take = (length: number) => {
    at += length
    return bytes.subarray(at - length, at)
  }
  return Array.from(indexes, (leafIndex, i) => {
    const leaf = take(leafLengths[i] ?? 0)
    const extraLength = extraLengths[i] ?? -1
    return { leafIndex, leaf, extra: extraLength < 0 ? undefined : take(extraLength) }
  })
}

export function encodeReply({ indexes }: KeysRequest, { entries, unreadable }: PageKeys): KeysReply {
  return {
    indexes,
    counts: Uint32Array.from(entries, ({ keys }) => keys.length),
    keys: BigInt64Array.from(entries.flatMap(({ keys }) => keys)),
    unreadable,
  }
}

export function parseReply({ indexes, counts, keys, unreadable }: KeysReply): PageKeys {
  let at = 0
  const entries = Array.from(indexes, (leafIndex, i) => {
    const start = at
    at += counts[i] ?? 0
    return { leafIndex, keys: [...keys.subarray(start, at)] }
  })
  return { entries, unreadable }
}
