import { parseUtf8, quoted, reasonOf, withoutEnd } from '@sigstack/crypto'
import { type HttpAnswer, type HttpRequest, requestBounded } from '@sigstack/http-client'
import {
  entriesOfBundle,
  hashBytes,
  loadTiles,
  longestBundledEntry,
  type Tile,
  type TileAddress,
  type TileSource,
  tileFromHashes,
  tilePath,
  tileWidth,
  widthOfTile,
} from '@sigstack/merkle'
import { LRUCache } from 'lru-cache'
import { TileError } from './errors.ts'

export type TileLog = {
  readonly url: string
  checkpoint(): Promise<ShownCheckpoint>
  /** Reads what a proof in a tree of `treeSize` needs, then answers without waiting. Full tiles are remembered. */
  load(addresses: readonly TileAddress[], treeSize: bigint): Promise<TileSource>
  /** The entries that the bundle has in a tree of `treeSize`: 1 to 256. */
  entries(bundle: bigint, treeSize: bigint): Promise<readonly Buffer[]>
}

export type ShownCheckpoint = {
  /** The signed note as it is shown. */
  readonly note: string
  /** The clock of whoever answered, in milliseconds since the epoch; undefined where the answer tells none. */
  readonly dateMs: number | undefined
}

export type TileLogOptions = {
  /** For one answer; 30,000 ms by default. */
  readonly timeoutMs?: number
  /** How requests leave, and whom they trust; by default as the environment of this process says. */
  readonly connection?: Pick<HttpRequest, 'route' | 'tls' | 'signal'>
  /** Full tiles in memory, 16 KiB each; those that were not read for longest go first. 256 by default. */
  readonly keptTiles?: number
}

/** Entries repeat certificates and JSON. */
const headers = { 'accept-encoding': 'gzip' }
const longestCheckpoint = 1_000_000
/** 256 of the longest entries after their lengths. */
const longestBundle = tileWidth * (2 + longestBundledEntry)

/** `url` is the prefix of `/checkpoint` and `/tile`. Nothing is asked yet; each call may throw a {@link TileError}, or the reason of its signal. */
export function openTiles(url: string, options: TileLogOptions = {}): TileLog {
  const { timeoutMs = 30_000, keptTiles = 256, connection = {} } = options
  const base = withoutEnd(url, '/')
  const full = new LRUCache<string, Tile>({ max: keptTiles })

  async function read(path: string, maxBytes: number): Promise<HttpAnswer | undefined> {
    const where = `${base}/${path}`
    const answer = await ask(where, { ...connection, headers, timeoutMs, maxBytes })
    if (answer.status === 200) return answer
    if (answer.status === 404 || answer.status === 410) return undefined
    throw new TileError('unreachable', `${quoted(where)} answers with status ${answer.status}`)
  }

  /** A partial tile goes when the full one is there (C2SP tlog-tiles, "Partial tiles"). */
  async function readWide(
    level: number | 'entries',
    index: bigint,
    width: number,
    maxBytes: number,
  ): Promise<Buffer> {
    const path = tilePath({ level, index, width })
    const whole = tilePath({ level, index, width: tileWidth })
    const found =
      (await read(path, maxBytes)) ?? (width < tileWidth ? await read(whole, maxBytes) : undefined)
    if (found !== undefined) return found.bytes
    throw new TileError('not_found', `${quoted(`${base}/${path}`)} is not there`)
  }

  async function tile({ level, index }: TileAddress, treeSize: bigint): Promise<Tile> {
    const key = `${level}/${index}`
    const known = full.get(key)
    if (known !== undefined) return known
    const width = widthOfTile(level, index, treeSize)
    const hashes = await readWide(level, index, width, tileWidth * hashBytes)
    if (hashes.length < width * hashBytes || hashes.length % hashBytes !== 0)
      throw new TileError('malformed', `tile ${key} of ${quoted(base)} has not ${width} hashes`)
    const found = tileFromHashes(hashes)
    if (hashes.length === tileWidth * hashBytes) full.set(key, found)
    return found
  }

  return {
    url: base,
    checkpoint: async () => {
      const answer = await read('checkpoint', longestCheckpoint)
      if (answer === undefined) throw new TileError('not_found', `${quoted(base)} shows no checkpoint`)
      const note = parseUtf8(answer.bytes)
      if (note === undefined)
        throw new TileError('malformed', `the checkpoint of ${quoted(base)} is no UTF-8`)
      const dateMs = Date.parse(answer.header('date') ?? '')
      return { note, dateMs: Number.isNaN(dateMs) ? undefined : dateMs }
    },
    load: (addresses, treeSize) => loadTiles(addresses, (address) => tile(address, treeSize)),
    entries: async (bundle, treeSize) => {
      const width = widthOfTile(0, bundle, treeSize)
      const bytes = await readWide('entries', bundle, width, longestBundle)
      const entries = entriesOfBundle(bytes, width)
      if (entries === undefined)
        throw new TileError('malformed', `entry bundle ${bundle} of ${quoted(base)} has not ${width} entries`)
      return entries
    },
  }
}

async function ask(url: string, request: HttpRequest): Promise<HttpAnswer> {
  try {
    return await requestBounded(url, request)
  } catch (cause) {
    if (request.signal?.aborted === true) throw cause
    throw new TileError('unreachable', `${quoted(url)} does not answer: ${reasonOf(cause)}`, { cause })
  }
}
