/**
 * Certificates by name, issuer, serial number and digest, of a log that has no search: its newest leaves are read once and known by
 * short hashes of what they are found by, about 100 bytes a certificate. It is made when somebody searches, and goes on with the log.
 */
import { hash } from 'node:crypto'
import { setImmediate as pause } from 'node:timers/promises'
import { tileWidth } from '@sigstack/merkle'
import { LRUCache } from 'lru-cache'
import { placed } from '../log/newest.ts'
import { SourceError } from '../sources/errors.ts'
import type { TreeLog } from '../sources/tree-log.ts'
import { type Findable, findableOf } from './certificate-keys.ts'
import type { PlacedEntry } from './places.ts'

export type CertificateSearch = (query: CertificateQuery) => Promise<FoundCertificates>

export type CertificateQuery = {
  /** As `keysOfReadings` makes them; any may hold. */
  readonly keys: readonly string[]
  readonly order: 'newest' | 'oldest'
  /** Milliseconds since the epoch: `after` and later, before `before`. */
  readonly afterMs?: number | undefined
  readonly beforeMs?: number | undefined
  /** Where the page before ended. */
  readonly from?: bigint | undefined
}

export type FoundCertificates = {
  readonly entries: readonly PlacedEntry[]
  readonly next?: bigint
  /** Leaves of the log, and the first of those that are known here. */
  readonly size: bigint
  readonly first: bigint
  /** False while leaves are still being read: another search later finds more. */
  readonly isWhole: boolean
}

export type CertificateSearchOptions = {
  readonly log: Pick<TreeLog, 'shown' | 'leaves'>
  /** The newest leaves that are known, at most. */
  readonly most: number
  /** A search waits for leaves for so long. */
  readonly patienceMs?: number
}

const width = BigInt(tileWidth)
const pageLength = 20
/** Of found certificates, a few KB each, so that who asks again waits for no bundle. */
const mostKept = 1_000
/** Read without a pause, in which others are served. */
const atOnce = 32

/** What leaves of one entry bundle are found by: the time of each, and of each key a number, and whose it is. */
type Chunk = { readonly times: Float64Array; readonly numbers: Float64Array; readonly owners: Uint8Array }

type ReadLeaf = { readonly findable: Findable | undefined; readonly entry: PlacedEntry }

/** Each search throws a `SourceError` where the log cannot be read. */
export function createCertificateSearch({
  log,
  most,
  patienceMs = 5_000,
}: CertificateSearchOptions): CertificateSearch {
  const chunks = new Map<bigint, Chunk>()
  /** By index, at which a log never has another leaf. */
  const read = new LRUCache<bigint, ReadLeaf>({ max: mostKept })
  let size = 0n
  let filling: Promise<void> | undefined

  function endOf(bundle: bigint): bigint {
    const end = (bundle + 1n) * width
    return end < size ? end : size
  }

  /** Newest first: that is what people look for. */
  async function fill(): Promise<void> {
    size = (await log.shown()).treeSize
    const end = (size + width - 1n) / width
    const kept = BigInt(Math.ceil(most / tileWidth))
    const first = end > kept ? end - kept : 0n
    for (const bundle of chunks.keys()) if (bundle < first) chunks.delete(bundle)
    for (let bundle = end - 1n; bundle >= first; bundle--) {
      if (chunks.get(bundle)?.times.length === Number(endOf(bundle) - bundle * width)) continue
      chunks.set(bundle, await chunkOf(await log.leaves(bundle * width, endOf(bundle), size)))
    }
  }

  /** True when all leaves are known. */
  async function fillPatiently(): Promise<boolean> {
    filling ??= fill().finally(() => {
      filling = undefined
    })
    // Whoever waits no longer is not told; the next one asks anew.
    filling.catch(() => {})
    const { promise: impatience, resolve } = Promise.withResolvers<boolean>()
    const timer = setTimeout(resolve, patienceMs, false)
    try {
      return await Promise.race([filling.then(() => true), impatience])
    } finally {
      clearTimeout(timer)
    }
  }

  /** Indexes of leaves that may be meant, in order; `from` and what is before it were told. */
  function* candidates({ keys, order, from, ...times }: CertificateQuery): Generator<bigint> {
    const numbers = keys.map(numberOf)
    const sign = order === 'newest' ? -1 : 1
    const bundles = [...chunks.keys()].sort((a, b) => sign * Number(a - b))
    for (const bundle of bundles) {
      const chunk = chunks.get(bundle)
      const owners = chunk === undefined ? [] : ownersOf(chunk, numbers, times)
      for (const owner of owners.sort((a, b) => sign * (a - b))) {
        const index = bundle * width + BigInt(owner)
        if (from === undefined || (order === 'newest' ? index < from : index > from)) yield index
      }
    }
  }

  async function readLeaf(
    index: bigint,
    bundleOf: (index: bigint) => Promise<readonly Uint8Array[]>,
  ): Promise<ReadLeaf> {
    const leaf = (await bundleOf(index))[Number(index % width)]
    if (leaf === undefined) throw new SourceError('malformed', 'the log gives fewer leaves than it has')
    const made = { findable: findableOf(leaf), entry: placed('ct', index, leaf) }
    read.set(index, made)
    return made
  }

  return async (query) => {
    const isWhole = await fillPatiently()
    const indexes: bigint[] = []
    for (const index of candidates(query)) if (indexes.push(index) > pageLength) break
    const told = indexes.slice(0, pageLength)
    const bundles = new Map<bigint, Promise<readonly Uint8Array[]>>()
    const bundleOf = (index: bigint) => {
      const bundle = index / width
      const asked = bundles.get(bundle) ?? log.leaves(bundle * width, endOf(bundle), size)
      bundles.set(bundle, asked)
      return asked
    }
    const entries = await Promise.all(
      told.map(async (index): Promise<readonly PlacedEntry[]> => {
        const { findable, entry } = read.get(index) ?? (await readLeaf(index, bundleOf))
        // Two keys may have one number.
        return findable?.keys.some((key) => query.keys.includes(key)) === true ? [entry] : []
      }),
    )
    const oldest = [...chunks.keys()].reduce(
      (least, bundle) => (bundle < least ? bundle : least),
      size / width,
    )
    const last = told.at(-1)
    return {
      entries: entries.flat(),
      size,
      first: oldest * width,
      isWhole,
      ...(indexes.length > pageLength && last !== undefined && { next: last }),
    }
  }
}

async function chunkOf(leaves: readonly Uint8Array[]): Promise<Chunk> {
  const numbers: number[] = []
  const owners: number[] = []
  const times = new Float64Array(leaves.length)
  for (const [owner, leaf] of leaves.entries()) {
    if (owner % atOnce === atOnce - 1) await pause()
    const findable = findableOf(leaf)
    times[owner] = findable?.timeMs ?? 0
    for (const key of new Set(findable?.keys)) {
      numbers.push(numberOf(key))
      owners.push(owner)
    }
  }
  return { times, numbers: Float64Array.from(numbers), owners: Uint8Array.from(owners) }
}

function ownersOf(
  { numbers, owners, times }: Chunk,
  wanted: readonly number[],
  { afterMs = 0, beforeMs = Number.POSITIVE_INFINITY }: Pick<CertificateQuery, 'afterMs' | 'beforeMs'>,
): number[] {
  const found = new Set<number>()
  for (const number of wanted)
    for (let at = numbers.indexOf(number); at >= 0; at = numbers.indexOf(number, at + 1))
      found.add(owners[at] ?? 0)
  return [...found].filter((owner) => (times[owner] ?? 0) >= afterMs && (times[owner] ?? 0) < beforeMs)
}

/** 48 bits, which a number holds exactly. */
function numberOf(key: string): number {
  return hash('sha256', key, 'buffer').readUIntBE(0, 6)
}
