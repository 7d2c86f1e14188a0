/** What the dialect knows of a shard, worked out once: its texts are in every answer. */
import type { Signer } from '@sigstack/crypto'
import { encodePublicKeyPem, quoted, toHex } from '@sigstack/crypto'
import type { Appended, EntryDraft, LogEntry, LogReader } from '@sigstack/log-engine'
import { parseOrigin, treeIdHex } from './tree-id.ts'

export type Shard = {
  /** Frozen or not: entries come in through {@link Shards} alone. */
  readonly log: LogReader
  /** The shard's key; signs SETs here and checkpoints in the engine. */
  readonly signer: Signer
  readonly treeId: bigint
  readonly treeIdHex: string
  readonly logIdHex: string
  readonly publicKeyPem: string
  /** Virtual index of its first entry: the lengths of all shards before it. */
  readonly firstIndex: bigint
}

/** All shards of the log. The list changes when the log is rolled over, which another process may do. */
export type Shards = {
  /** Oldest first; the last one is the active one. */
  list(): readonly Shard[]
  active(): Shard
  /** Into the shard that takes entries when the batch is written. Throws as the engine's `append`, but never `frozen`. */
  append(draft: EntryDraft): Promise<Appended & { readonly shard: Shard }>
  /** Looks for shards that another process has opened; true when there are some. */
  refresh(): Promise<boolean>
  /** PEM of every key that signed, signs, or is prepared to sign here, oldest first. */
  publicKeys(): Promise<readonly string[]>
}

/** Also one that another process has opened meanwhile. */
export async function findShard(shards: Shards, treeId: bigint): Promise<Shard | undefined> {
  const find = () => shards.list().find((shard) => shard.treeId === treeId)
  return find() ?? ((await shards.refresh()) ? find() : undefined)
}

/** An entry and the shard that it is in. */
export type Placed = { readonly shard: Shard; readonly entry: LogEntry }

/** The entry's index in the numbering over all shards (rekor-v1.md section 5). */
export function virtualIndexOf({ shard, entry }: Placed): bigint {
  return shard.firstIndex + entry.leafIndex
}

/** Throws when the log was made under an origin that is no Rekor v1 one. */
export function openShard(log: LogReader, signer: Signer, firstIndex: bigint): Shard {
  const origin = parseOrigin(log.origin)
  if (origin === undefined) {
    throw new Error(
      `the log ${quoted(log.origin)} has no origin of the form '<host name> - <tree ID>'; give this face a log of its own`,
    )
  }
  return {
    log,
    signer,
    treeId: origin.treeId,
    treeIdHex: treeIdHex(origin.treeId),
    logIdHex: toHex(log.logId),
    publicKeyPem: encodePublicKeyPem(signer.publicKey),
    firstIndex,
  }
}
