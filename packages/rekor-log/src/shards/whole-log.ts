/** All shards read as one log, by virtual index: what the search index follows. */

import type { LogReader } from '@sigstack/log-engine'
import { asHash, type Hash, type TreeHead, tileWidth, widthOfTile } from '@sigstack/merkle'
import type { SearchedLog } from '../search/store.ts'
import { shardAt } from './virtual-index.ts'

/** A shard, and the virtual index of its first entry. */
export type LogPart = { readonly log: LogReader; readonly firstIndex: bigint }

/** Oldest first; the last one is the active one. */
export type LogParts<Part extends LogPart = LogPart> = {
  list(): readonly Part[]
  onAppended(listener: (length: bigint) => void): void
}

export type WholeLog = {
  readonly name: SearchedLog
  /** The first shard's, whatever keys came after: it names the log, not a key. */
  readonly logId: Uint8Array
  /** Entries over all shards, whoever logged them. */
  length(): Promise<bigint>
  /** Leaf hashes of these virtual indexes, in their order; `undefined` for what is not there. */
  readLeafHashes(virtualIndexes: readonly bigint[]): Promise<readonly (Hash | undefined)[]>
  onAppended(listener: (length: bigint) => void): void
}

export function wholeLog(shards: LogParts, name: SearchedLog = 'rekor-v1'): WholeLog {
  return {
    name,
    logId: shards.list()[0]?.log.logId ?? new Uint8Array(32),
    onAppended: shards.onAppended,
    length: async () => {
      const active = shards.list().at(-1)
      return active === undefined ? 0n : active.firstIndex + (await active.log.treeHead()).size
    },
    readLeafHashes: async (virtualIndexes) => {
      const places = placesOf(shards.list(), virtualIndexes)
      const sizes = new Map<LogPart, Promise<TreeHead>>()
      const tiles = new Map<LeafTile, Uint8Array | undefined>()
      for (const tile of new Set(places.map((place) => place?.tile))) {
        if (tile === undefined) continue
        const head = sizes.get(tile.shard) ?? tile.shard.log.treeHead()
        sizes.set(tile.shard, head)
        tiles.set(tile, await readLeafTile(tile, (await head).size))
      }
      return places.map((place) => {
        const hash = place && tiles.get(place.tile)?.subarray(place.at * 32, place.at * 32 + 32)
        return hash?.length === 32 ? asHash(hash) : undefined
      })
    },
  }
}

type LeafTile = { readonly shard: LogPart; readonly index: bigint }

/** Indexes that follow each other, as those found under one key do, mostly share a tile. */
function placesOf(
  shards: readonly LogPart[],
  virtualIndexes: readonly bigint[],
): readonly ({ readonly tile: LeafTile; readonly at: number } | undefined)[] {
  const tiles = new Map<string, LeafTile>()
  return virtualIndexes.map((virtual) => {
    const shard = shardAt(shards, virtual)
    if (shard === undefined) return undefined
    const leafIndex = virtual - shard.firstIndex
    const index = leafIndex / BigInt(tileWidth)
    const key = `${shard.log.origin}/${index}`
    const tile = tiles.get(key) ?? { shard, index }
    tiles.set(key, tile)
    return { tile, at: Number(leafIndex % BigInt(tileWidth)) }
  })
}

/** Leaf hashes are in the tiles, so the index need not hold them. */
async function readLeafTile({ shard, index }: LeafTile, size: bigint): Promise<Uint8Array | undefined> {
  const width = widthOfTile(0, index, size)
  return width === 0 ? undefined : shard.log.readTile(0, index, width)
}
