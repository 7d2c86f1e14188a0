/** Entry IDs: 16 hex digits of the tree and 64 of the leaf hash, or the leaf hash alone (a UUID, in Rekor's words). */
import { toHex } from '@sigstack/crypto'
import type { LogEntry } from '@sigstack/log-engine'
import type { Hash } from '@sigstack/merkle'
import { asHash } from '@sigstack/merkle'
import type { Shard } from '../shards/shard.ts'

export const entryIdPattern = '^([0-9a-fA-F]{64}|[0-9a-fA-F]{80})$'
const entryIdForm = /^([0-9a-fA-F]{16})?([0-9a-fA-F]{64})$/

export type EntryId = {
  /** `undefined`: any shard. */
  readonly treeId: bigint | undefined
  readonly leafHash: Hash
}

/** `undefined` when `text` does not match {@link entryIdPattern}. The tree ID may be zero or beyond 63 bits. */
export function parseEntryId(text: string): EntryId | undefined {
  const [, tree, leaf] = entryIdForm.exec(text) ?? []
  if (leaf === undefined) return undefined
  return {
    treeId: tree === undefined ? undefined : BigInt(`0x${tree}`),
    leafHash: asHash(Buffer.from(leaf, 'hex')),
  }
}

export function entryIdOf(shard: Pick<Shard, 'treeIdHex'>, entry: Pick<LogEntry, 'leafHash'>): string {
  return shard.treeIdHex + toHex(entry.leafHash)
}
