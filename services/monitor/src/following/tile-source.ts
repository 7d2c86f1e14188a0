/** A tree read by C2SP tlog-tiles: of Rekor v2, of a shard of our Rekor v1, of our CT logs. */
import {
  hashBytes,
  proveConsistency,
  type Tile,
  tileFromHashes,
  tilePath,
  tilesForConsistency,
  tileWidth,
  widthOfTile,
} from '@sigstack/merkle'
import { askFor, badAnswer, demandText } from './ask.ts'
import { FollowError } from './errors.ts'
import type { StoredLeaf, TreeSource } from './source.ts'
import type { LogKind } from './tree.ts'
import { type LogKeys, verifyNote } from './verify-note.ts'

/** Bundles on their way at the same time. */
const atOnce = 4
/** 256 entries of 65,535 bytes at the most. */
const largestBundle = tileWidth * (65_535 + 2)

export type TileSourceOptions = {
  readonly url: string
  readonly kind: LogKind
  readonly keys: () => Promise<LogKeys>
}

export function tileSource({ url, kind, keys }: TileSourceOptions): TreeSource {
  async function readHead(signal: AbortSignal) {
    const { text: note, dateMs } = await demandText(`${url}/checkpoint`, { signal })
    const { origin, treeHead } = await verifyNote(note, kind, await keys(), url)
    return { origin, treeHead, note, dateMs }
  }

  /** The one of that width, or a wider one that took its place. */
  async function readPart(
    level: number | 'entries',
    index: bigint,
    width: number,
    maxBytes: number,
    signal: AbortSignal,
  ): Promise<Buffer> {
    const at = (each: number) => `${url}/${tilePath({ level, index, width: each })}`
    const found =
      (await askFor(at(width), { signal, maxBytes })) ??
      (width < tileWidth ? await askFor(at(tileWidth), { signal, maxBytes }) : undefined)
    if (found === undefined) throw new FollowError('unreachable', `${at(width)} answers 404`)
    return found.bytes
  }

  async function readTile(
    level: number,
    index: bigint,
    treeSize: bigint,
    signal: AbortSignal,
  ): Promise<Tile> {
    const width = widthOfTile(level, index, treeSize)
    const bytes = await readPart(level, index, width, tileWidth * hashBytes, signal)
    if (bytes.length < width * hashBytes) throw badAnswer(url, `a tile of level ${level} is too short`)
    return tileFromHashes(bytes.subarray(0, width * hashBytes))
  }

  async function* readLeaves(
    { start, end, treeSize }: { readonly start: bigint; readonly end: bigint; readonly treeSize: bigint },
    signal: AbortSignal,
  ): AsyncIterable<readonly StoredLeaf[]> {
    const full = BigInt(tileWidth)
    const read = async (index: bigint): Promise<readonly StoredLeaf[]> => {
      const width = widthOfTile(0, index, treeSize)
      const leaves = parseBundle(await readPart('entries', index, width, largestBundle, signal), url)
      const first = index * full
      const from = start > first ? Number(start - first) : 0
      const to = end < first + full ? Number(end - first) : tileWidth
      if (leaves.length < to) throw badAnswer(url, `the bundle of entries ${index} is too short`)
      return leaves.slice(from, to)
    }
    const running: Promise<readonly StoredLeaf[]>[] = []
    let next = start / full
    for (;;) {
      while (running.length < atOnce && next * full < end) {
        const reading = read(next++)
        // Whoever stops before its turn has been told of another failure.
        reading.catch(() => {})
        running.push(reading)
      }
      const first = running.shift()
      if (first === undefined) return
      yield await first
    }
  }

  return {
    readHead,
    readLeaves,
    proveConsistency: async (oldSize, newSize, signal) => {
      const tiles = new Map<string, Tile>()
      for (const { level, index } of tilesForConsistency(oldSize, newSize))
        tiles.set(`${level}/${index}`, await readTile(level, index, newSize, signal))
      return proveConsistency(oldSize, newSize, (level, index) => {
        const tile = tiles.get(`${level}/${index}`)
        if (tile === undefined) throw new Error(`tile ${level}/${index} was not asked for`)
        return tile
      })
    },
  }
}

/** Each entry behind its length in 16 bits. Throws `bad_answer`. */
function parseBundle(bytes: Buffer, url: string): readonly StoredLeaf[] {
  const leaves: StoredLeaf[] = []
  for (let at = 0; at < bytes.length; ) {
    const end = at + 2 <= bytes.length ? at + 2 + bytes.readUInt16BE(at) : Number.POSITIVE_INFINITY
    if (end > bytes.length || leaves.length === tileWidth)
      throw badAnswer(url, 'a bundle of entries is malformed')
    leaves.push({ leaf: bytes.subarray(at + 2, end) })
    at = end
  }
  return leaves
}
