/**
 * Entry bundles: 256 entries, or the first of them, each as 16-bit length and leaf (C2SP tlog-tiles). A bundle may hold 16 MB, so few
 * are made at once, and the compressed form, which never changes, is kept.
 */

import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import type { Asker } from '@sigstack/limits/turnstile'
import type { LogEntry, LogReader } from '@sigstack/log-engine'
import { tileWidth, widthOfTile } from '@sigstack/merkle'
import { createDearReads, type DearReads } from '@sigstack/rekor-log'

export type EntryBundles = {
  /** `undefined` where there is no such bundle, or none that the format can hold. */
  read(log: LogReader, index: bigint, width: number, asker: Asker): Promise<Uint8Array | undefined>
  /** Gzipped; `undefined` also where it is not worth while, and {@link read} gives what there is. */
  readCompressed(log: LogReader, index: bigint, width: number, asker: Asker): Promise<Uint8Array | undefined>
}

/** Bundles give an entry's length in 16 bits. */
export const longestBundledEntry = 65_535
/** Four times what bundles of usual entries have. */
const largeBytes = 1_048_576

const compress = promisify(gzip)
/** In pieces as large as bundles are: each small one would be an interruption of its own. */
const pieceBytes = 4 * 1024 * 1024
const decompress = (bytes: Uint8Array): Promise<Uint8Array> =>
  promisify(gunzip)(bytes, { chunkSize: pieceBytes })

/** An entry as it stands in a bundle; `undefined` where the format cannot hold it. */
export type EncodeEntry = (entry: LogEntry) => Promise<readonly Uint8Array[] | undefined>

export type EntryBundlesOptions = {
  /** By default as tile logs have it: 16-bit length and leaf. */
  readonly encode?: EncodeEntry
  /** What is not kept compressed is made by turns. */
  readonly dearReads?: DearReads
  /** Compressed bundles in memory, 32 MiB by default; the least recently used go first. */
  readonly keptBytes?: number
}

export function createEntryBundles(options: EntryBundlesOptions = {}): EntryBundles {
  const { encode = withLength, dearReads = createDearReads(), keptBytes = 32 * 1024 * 1024 } = options
  const kept = new Map<string, Uint8Array>()
  let bytes = 0

  function keep(key: string, bundle: Uint8Array): void {
    if (bundle.length > keptBytes) return
    kept.set(key, bundle)
    bytes += bundle.length
    for (const [oldest, { length }] of kept) {
      if (bytes <= keptBytes) break
      kept.delete(oldest)
      bytes -= length
    }
  }

  function use(key: string): Uint8Array | undefined {
    const bundle = kept.get(key)
    if (bundle === undefined) return undefined
    kept.delete(key)
    kept.set(key, bundle)
    return bundle
  }

  return {
    read: async (log, index, width, asker) => {
      const { size } = await log.treeHead()
      if (width > widthOfTile(0, index, size)) return undefined
      const make = () => {
        const known = use(keyOf(log, index, width))
        return known === undefined ? encodeBundle(log, index, width, encode) : decompress(known)
      }
      return dearReads.pass(asker, make, bytesOf)
    },
    readCompressed: async (log, index, width, asker) => {
      // Of a tile's many widths only these are asked for by readers who mean well.
      if (width !== widthOfTile(0, index, (await log.treeHead()).size)) return undefined
      const key = keyOf(log, index, width)
      const known = use(key)
      if (known !== undefined)
        return known.length < largeBytes ? known : dearReads.pass(asker, async () => known, bytesOf)
      const make = async () => {
        // Whoever had the turn before may have asked for the same.
        const made = use(key)
        if (made !== undefined) return made
        const bundle = await encodeBundle(log, index, width, encode)
        if (bundle === undefined) return undefined
        const small = await compress(bundle)
        keep(key, small)
        return small
      }
      return dearReads.pass(asker, make, bytesOf)
    },
  }
}

function bytesOf(bundle: Uint8Array | undefined): number {
  return bundle?.length ?? 0
}

/** Entries are read so many bytes at a time, since nothing else is done while they are taken from the driver. */
const bytesAtOnce = 512 * 1024
/** Of unknown size. */
const firstEntries = 16

/** Origins tell shards apart, which may share a key. */
function keyOf(log: LogReader, index: bigint, width: number): string {
  return `${log.origin} ${index} ${width}`
}

async function encodeBundle(
  log: LogReader,
  index: bigint,
  width: number,
  encode: EncodeEntry,
): Promise<Uint8Array | undefined> {
  const bundle: Uint8Array[] = []
  let from = 0
  for (let count = firstEntries; from < width; ) {
    const start = index * BigInt(tileWidth) + BigInt(from)
    const entries = await log.readEntries(start, Math.min(count, width - from))
    let bytes = 0
    for (const entry of entries) {
      const encoded = await encode(entry)
      if (encoded === undefined) return undefined
      bundle.push(...encoded)
      bytes += entry.leaf.length
    }
    if (entries.length === 0) return undefined
    from += entries.length
    count = Math.max(1, Math.floor(bytesAtOnce / (bytes / entries.length)))
  }
  return from === width ? Buffer.concat(bundle) : undefined
}

/** Longer ones cannot be put into a bundle; tiles and proofs of them are served all the same. */
const withLength: EncodeEntry = async ({ leaf }) => {
  if (leaf.length > longestBundledEntry) return undefined
  const length = Buffer.alloc(2)
  length.writeUInt16BE(leaf.length)
  return [length, leaf]
}
