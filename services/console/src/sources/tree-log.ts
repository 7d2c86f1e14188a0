/** A log that is read by C2SP tlog-tiles: Rekor v2, and the log of certificates. */
import { CheckpointError, parseCheckpoint } from '@sigstack/checkpoint'
import { CryptoError, parseBase64 } from '@sigstack/crypto'
import {
  proveConsistency,
  proveInclusion,
  tilesForConsistency,
  tilesForInclusion,
  tileWidth,
} from '@sigstack/merkle'
import { openTiles, TileError, type TileLog } from '@sigstack/tile-client'
import { textAt } from '../text-at.ts'
import { ask, jsonOf } from './ask.ts'
import { SourceError } from './errors.ts'
import type { EntryProof } from './rekor.ts'

/** A leaf as the log hands it out: its proof is made of the log's tiles, and nothing is believed yet. */
export type TreeLeaf = {
  readonly leaf: Uint8Array
  readonly proof: EntryProof & { readonly checkpoint: string }
  /** First line of the checkpoint. */
  readonly origin: string
}

/** Every call throws a {@link SourceError} where it gets nothing that it can use. */
export type TreeLog = {
  readonly url: string
  /** Under the newest head. Undefined where that has no such leaf. */
  leaf(index: bigint): Promise<TreeLeaf | undefined>
  /** What the newest head says. */
  shown(): Promise<{ readonly origin: string; readonly treeSize: bigint }>
  /** From `first` to before `end`, of a tree whose head was shown. */
  leaves(first: bigint, end: bigint, treeSize: bigint): Promise<readonly Uint8Array[]>
  /** The newest head as it is shown. */
  head(): Promise<string>
  /** `oldSize` is from 1 to before `newSize`, of which a head was shown. */
  consistency(oldSize: bigint, newSize: bigint): Promise<readonly Uint8Array[]>
}

const timeoutMs = 5_000

export function createTreeLog(url: string): TreeLog {
  const tiles = openTiles(url, { timeoutMs, keptTiles: 64 })
  return {
    url,
    leaf: (index) => asSource(() => leafAt(tiles, index)),
    shown: () =>
      asSource(async () => {
        const { origin, treeHead } = parseCheckpoint((await tiles.checkpoint()).note)
        return { origin, treeSize: treeHead.size }
      }),
    leaves: (first, end, treeSize) => asSource(() => leavesBetween(tiles, first, end, treeSize)),
    head: () => asSource(async () => (await tiles.checkpoint()).note),
    consistency: (oldSize, newSize) =>
      asSource(async () => {
        const source = await tiles.load(tilesForConsistency(oldSize, newSize), newSize)
        return proveConsistency(oldSize, newSize, source).hashes
      }),
  }
}

/**
 * A leaf of a log of certificates, and `extra`, what is kept beside it, in which nothing of the tree is (RFC 6962 section 4.6). Undefined
 * where they cannot be had: leaves are in the tiles too.
 */
export async function readCtEntry(
  url: string,
  index: bigint,
): Promise<{ readonly leaf: Uint8Array; readonly extra: Uint8Array } | undefined> {
  try {
    const answer = await ask(url, `/ct/v1/get-entries?start=${index}&end=${index}`)
    const told = (name: string) => answer && textAt(jsonOf(answer), 'entries', 0, name)
    const [leaf, extra] = [told('leaf_input'), told('extra_data')]
    return leaf === undefined || extra === undefined
      ? undefined
      : { leaf: parseBase64(leaf), extra: parseBase64(extra) }
  } catch (error) {
    if (error instanceof SourceError || error instanceof CryptoError) return undefined
    throw error
  }
}

async function leafAt(tiles: TileLog, leafIndex: bigint): Promise<TreeLeaf | undefined> {
  const { note: checkpoint } = await tiles.checkpoint()
  const { origin, treeHead } = parseCheckpoint(checkpoint)
  const { size: treeSize, rootHash } = treeHead
  if (leafIndex >= treeSize) return undefined
  const width = BigInt(tileWidth)
  const [bundle, source] = await Promise.all([
    tiles.entries(leafIndex / width, treeSize),
    tiles.load(tilesForInclusion(leafIndex, treeSize), treeSize),
  ])
  const leaf = bundle[Number(leafIndex % width)]
  if (leaf === undefined) return undefined
  const { siblings: hashes } = proveInclusion(leafIndex, treeSize, source)
  return { leaf, proof: { leafIndex, treeSize, rootHash, hashes, checkpoint }, origin }
}

async function leavesBetween(
  tiles: TileLog,
  first: bigint,
  end: bigint,
  treeSize: bigint,
): Promise<readonly Uint8Array[]> {
  const width = BigInt(tileWidth)
  const leaves: Uint8Array[] = []
  for (let bundle = first / width; bundle * width < end; bundle++) {
    const [before, after] = [first - bundle * width, end - bundle * width]
    const entries = await tiles.entries(bundle, treeSize)
    leaves.push(...entries.slice(before > 0n ? Number(before) : 0, Number(after)))
  }
  return leaves
}

async function asSource<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (cause) {
    if (cause instanceof CheckpointError) throw new SourceError('malformed', cause.message, { cause })
    if (!(cause instanceof TileError)) throw cause
    throw new SourceError(cause.code === 'malformed' ? 'malformed' : 'unavailable', cause.message, { cause })
  }
}
