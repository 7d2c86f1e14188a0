/** All shards read as one log, by virtual index: what the search index follows. */
import { asHash, type Hash, type TreeHead, tileWidth, widthOfTile } from '@sigstack/merkle'
import type { Shard, Shards } from '../faces/rekor-v1/index.ts'
import { shardAt } from '../faces/rekor-v1/shards.ts'

export type WholeLog = {
  /** The first shard's, whatever keys came after: it names the log, not a key. */
  readonly logId: Uint8Array
  /** Entries over all shards, whoever logged them. */
  length(): Promise<bigint>
  /** Leaf hashes of these virtual indexes, in their order; `undefined` for what is not there. */
  readLeafHashes(virtualIndexes: readonly bigint[]): Promise<readonly (Hash | undefined)[]>
  onAppended(listener: (length: bigint) => void): void
}

export function wholeLog(
  shards: Pick<Shards, 'list'> & { onAppended(listener: (length: bigint) => void): void },
): WholeLog {
  return {
    logId: shards.list()[0]?.log.logId ?? new Uint8Array(32),
    onAppended: shards.onAppended,
    length: async () => {
      const active = shards.list().at(-1)
      return active === undefined ? 0n : active.firstIndex + (await active.log.treeHead()).size
    },
    readLeafHashes: async (virtualIndexes) => {
      const tiles = new Map<string, Promise<Uint8Array | undefined>>()
      const sizes = new Map<Shard, Promise<TreeHead>>()
      const hashes: (Hash | undefined)[] = []
      for (const virtual of virtualIndexes) {
        const shard = shardAt(shards.list(), virtual)
        if (shard === undefined) continue
        const leafIndex = virtual - shard.firstIndex
        const tileIndex = leafIndex / BigInt(tileWidth)
        const key = `${shard.treeId}/${tileIndex}`
        if (!sizes.has(shard)) sizes.set(shard, shard.log.treeHead())
        const { size } = (await sizes.get(shard)) ?? { size: 0n }
        if (!tiles.has(key)) tiles.set(key, readLeafTile(shard, tileIndex, size))
        const at = Number(leafIndex % BigInt(tileWidth)) * 32
        const hash = (await tiles.get(key))?.subarray(at, at + 32)
        hashes.push(hash?.length === 32 ? asHash(hash) : undefined)
      }
      return hashes
    },
  }
}

/** Leaf hashes are in the tiles, so the index need not hold them. */
async function readLeafTile(
  { log }: Shard,
  tileIndex: bigint,
  size: bigint,
): Promise<Uint8Array | undefined> {
  const width = widthOfTile(0, tileIndex, size)
  return width === 0 ? undefined : log.readTile(0, tileIndex, width)
}
