/** A tree read by C2SP tlog-tiles: of Rekor v2, of a shard of our Rekor v1, of our CT logs. */
import { proveConsistency, tilesForConsistency, tileWidth } from '@sigstack/merkle'
import { openTiles, TileError, type TileLog } from '@sigstack/tile-client'
import { FollowError } from './errors.ts'
import type { StoredLeaf, TreeSource } from './source.ts'
import type { LogKind } from './tree.ts'
import { type LogKeys, verifyNote } from './verify-note.ts'

/** Bundles on their way at the same time. */
const atOnce = 4
const timeoutMs = 20_000

export type TileSourceOptions = {
  readonly url: string
  readonly kind: LogKind
  readonly keys: () => Promise<LogKeys>
}

export function tileSource({ url, kind, keys }: TileSourceOptions): TreeSource {
  /** A tile is asked for once in a while, so none is remembered from one question to the next. */
  async function ask<T>(signal: AbortSignal, question: (log: TileLog) => Promise<T>): Promise<T> {
    try {
      return await question(openTiles(url, { timeoutMs, connection: { signal } }))
    } catch (cause) {
      if (!(cause instanceof TileError)) throw cause
      const code = cause.code === 'malformed' ? 'bad_answer' : 'unreachable'
      throw new FollowError(code, cause.message, { cause })
    }
  }

  async function* readLeaves(
    { start, end, treeSize }: { readonly start: bigint; readonly end: bigint; readonly treeSize: bigint },
    signal: AbortSignal,
  ): AsyncIterable<readonly StoredLeaf[]> {
    const full = BigInt(tileWidth)
    const read = async (index: bigint): Promise<readonly StoredLeaf[]> => {
      const leaves = await ask(signal, (log) => log.entries(index, treeSize))
      const first = index * full
      const from = start > first ? Number(start - first) : 0
      const to = end < first + full ? Number(end - first) : tileWidth
      return leaves.slice(from, to).map((leaf) => ({ leaf }))
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
    readHead: async (signal) => {
      const { note, dateMs } = await ask(signal, (log) => log.checkpoint())
      const { origin, treeHead } = await verifyNote(note, kind, await keys(), url)
      return { origin, treeHead, note, dateMs }
    },
    readLeaves,
    proveConsistency: async (oldSize, newSize, signal) => {
      const needed = tilesForConsistency(oldSize, newSize)
      return proveConsistency(oldSize, newSize, await ask(signal, (log) => log.load(needed, newSize)))
    },
  }
}
