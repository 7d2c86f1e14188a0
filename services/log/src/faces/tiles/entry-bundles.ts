/**
 * Entry bundles: 256 entries, or the first of them, each as 16-bit length and leaf (C2SP tlog-tiles). A bundle may hold 16 MB, so few
 * are made at once, and those that everybody asks for, which never change, are kept as they are sent.
 */

import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { Asker } from '@sigstack/limits/turnstile'
import type { LogEntry, LogReader } from '@sigstack/log-engine'
import { encodeEntryBundle, longestBundledEntry, tileWidth, widthOfTile } from '@sigstack/merkle'
import { createDearReads, type DearReads } from '@sigstack/rekor-log'
import { LRUCache } from 'lru-cache'
import { strongTagOf } from './entity-tag.ts'

export type EntryBundle = {
  readonly bytes: Uint8Array
  readonly encoding: 'gzip' | undefined
  /** Entity tag (RFC 9110 section 8.8.3): of these very bytes. */
  readonly etag: string
}

export type EntryBundles = {
  /**
   * `undefined` where there is no such bundle, or none that the format can hold. Gzipped where the reader takes that and it is worth
   * while: of a tile's many widths the full one and the newest.
   */
  read(
    log: LogReader,
    place: { readonly index: bigint; readonly width: number },
    takesGzip: boolean,
    asker: Asker,
  ): Promise<EntryBundle | undefined>
}

const compress = promisify(gzip)

/** An entry as it stands in a bundle; `undefined` where the format cannot hold it. */
export type EncodeEntry = (entry: LogEntry) => Promise<readonly Uint8Array[] | undefined>

export type EntryBundlesOptions = {
  /** By default as tile logs have it: 16-bit length and leaf. */
  readonly encode?: EncodeEntry
  /** What is not kept is made by turns. */
  readonly dearReads?: DearReads
  /** Bundles in memory, of both forms, 32 MiB by default; the least recently used go first. */
  readonly keptBytes?: number
}

export function createEntryBundles(options: EntryBundlesOptions = {}): EntryBundles {
  const { encode, dearReads = createDearReads(), keptBytes = 32 * 1024 * 1024 } = options
  const kept = new LRUCache<string, EntryBundle>({ maxSize: keptBytes, sizeCalculation: bytesOf })
  const making = new Map<string, Promise<EntryBundle | undefined>>()

  /** What is being made is made once, for all who ask meanwhile. */
  async function madeOnce(
    key: string,
    asker: Asker,
    make: () => Promise<EntryBundle | undefined>,
  ): Promise<EntryBundle | undefined> {
    const others = making.get(key)
    // Whoever began may be refused, or go.
    const known = kept.get(key) ?? (others && (await others.catch(() => undefined)))
    if (known !== undefined) return dearReads.give(asker, known, bytesOf)
    const begun = dearReads.pass(asker, make, bytesOf)
    making.set(key, begun)
    try {
      const made = await begun
      if (made !== undefined) kept.set(key, made)
      return made
    } finally {
      if (making.get(key) === begun) making.delete(key)
    }
  }

  return {
    read: async (log, { index, width }, takesGzip, asker) => {
      const key = `${log.origin} ${index} ${width}`
      const start = index * BigInt(tileWidth)
      const makePlain = () => makeBundle(log, start, width, encode)
      const makeGzipped = async () => {
        const plain = kept.peek(key) ?? (await makePlain())
        return plain && gzipped(plain)
      }
      // What is kept is there.
      const isKept = kept.has(takesGzip ? `${key} gzip` : key)
      if (!isKept && !(await log.reaches(start + BigInt(width)))) return undefined
      const isUsual =
        isKept || width === tileWidth || width === widthOfTile(0, index, (await log.treeHead()).size)
      if (!isUsual) return dearReads.pass(asker, makePlain, bytesOf)
      return takesGzip ? madeOnce(`${key} gzip`, asker, makeGzipped) : madeOnce(key, asker, makePlain)
    },
  }
}

async function gzipped({ bytes }: EntryBundle): Promise<EntryBundle> {
  const small = await compress(bytes)
  return { bytes: small, encoding: 'gzip', etag: strongTagOf(small) }
}

function bytesOf(bundle: EntryBundle | undefined): number {
  return bundle?.bytes.length ?? 0
}

async function makeBundle(
  log: LogReader,
  start: bigint,
  width: number,
  encode: EncodeEntry | undefined,
): Promise<EntryBundle | undefined> {
  const bytes =
    encode === undefined
      ? await encodedLeaves(log, start, width)
      : await encodedEntries(log, start, width, encode)
  if (bytes === undefined) return undefined
  return { bytes, encoding: undefined, etag: strongTagOf(bytes) }
}

async function encodedLeaves(log: LogReader, start: bigint, width: number): Promise<Buffer | undefined> {
  const found: Uint8Array[] = []
  while (found.length < width) {
    const leaves = await log.readLeaves(start + BigInt(found.length), width - found.length)
    // Longer ones cannot be put into a bundle; tiles and proofs of them are served all the same.
    if (leaves.length === 0 || leaves.some(({ length }) => length > longestBundledEntry)) return undefined
    found.push(...leaves)
  }
  return encodeEntryBundle(found)
}

/** Entries are read so many bytes at a time, since nothing else is done while they are taken from the driver. */
const bytesAtOnce = 512 * 1024
/** Of unknown size. */
const firstEntries = 16

async function encodedEntries(
  log: LogReader,
  start: bigint,
  width: number,
  encode: EncodeEntry,
): Promise<Buffer | undefined> {
  const parts: Uint8Array[] = []
  for (let read = 0, count = firstEntries; read < width; ) {
    const entries = await log.readEntries(start + BigInt(read), Math.min(count, width - read))
    if (entries.length === 0) return undefined
    let bytes = 0
    for (const entry of entries) {
      const encoded = await encode(entry)
      if (encoded === undefined) return undefined
      parts.push(...encoded)
      bytes += entry.leaf.length
    }
    read += entries.length
    count = Math.max(1, Math.floor(bytesAtOnce / (bytes / entries.length)))
  }
  return Buffer.concat(parts)
}
