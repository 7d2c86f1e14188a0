/** What the engine promises to the faces of a log. It knows bytes only: no entry kind, no certificate, no request. */
import type { ConsistencyProof, Hash, InclusionProof, TreeHead } from '@sigstack/merkle'

/** An entry that wants to be in the log. */
export type EntryDraft = {
  /** Equal identity means the same entry, found again instead of logged twice. */
  readonly identity: Hash
  /** About as many bytes as `encode` will give, so that a batch of large entries stays bounded; default 2,048. */
  readonly sizeBytes?: number
  /** The bytes, once its place is known: a CT leaf holds its time and may commit to its index. */
  encode(place: Place): EncodedEntry
}

/** Where and when an entry was sequenced. Times never go backwards along a log. */
export type Place = {
  readonly leafIndex: bigint
  /** Milliseconds since the epoch. */
  readonly sequencedAtMs: number
}

export type EncodedEntry = {
  /** What is hashed into the tree. */
  readonly leaf: Uint8Array
  /** Of the leaf, where it has been computed already. */
  readonly leafHash?: Hash
  /** Kept beside the leaf, not hashed: a CT entry's chain. */
  readonly extra?: Uint8Array
}

export type LogEntry = Place & {
  readonly leafHash: Hash
  readonly leaf: Uint8Array
  readonly extra: Uint8Array | undefined
}

/** A checkpoint and the tree head it signs. */
export type SignedCheckpoint = {
  readonly treeHead: TreeHead
  readonly note: string
  /** Of the last one that there will be: since when that is known, in milliseconds since the epoch. */
  readonly frozenAtMs?: number
}

/** Durable and in the tree. */
export type Placed = {
  readonly entry: LogEntry
  /** The entry stood in the log already; it is the old one that is shown. */
  readonly duplicate: boolean
}

/** Provable too: the proof leads from the entry to the checkpoint's root, and was verified before it was given out. */
export type Appended = Placed & {
  readonly checkpoint: SignedCheckpoint
  readonly inclusionProof: InclusionProof
}

/** What a log tells. It is all there is to a frozen shard, and all that tiles, proofs, followers and audits need of any. */
export type LogReader = {
  /** SHA-256 of the log key's SubjectPublicKeyInfo. */
  readonly logId: Uint8Array
  /** First line of its checkpoints; chosen when the log was made, and kept. */
  readonly origin: string
  /** Covers everything committed so far, by any replica. */
  treeHead(): Promise<TreeHead>
  /** The newest tree head, signed. */
  checkpoint(): Promise<SignedCheckpoint>
  /**
   * A checkpoint for the proof of an entry that is in the log: at most a second old, so that many readers ask the database
   * once a second and not once each.
   */
  checkpointCovering(leafIndex: bigint): Promise<SignedCheckpoint>
  /** Whether `checkpointCovering` would give a checkpoint of this size now, for an entry that it covers; `false` where it would ask. */
  isRecent(treeSize: bigint): boolean
  readEntry(leafIndex: bigint): Promise<LogEntry | undefined>
  /** The same for many, by one query at most. Each index is one of a bigint of PostgreSQL. */
  readEntriesAt(leafIndexes: readonly bigint[]): Promise<readonly (LogEntry | undefined)[]>
  /** Entries from `start` on, at most `count`, fewer at the end of the log. */
  readEntries(start: bigint, count: number): Promise<readonly LogEntry[]>
  /**
   * What is hashed of the entries from `start` on, at most `count`, fewer at the end of the log or when they are long. It costs a
   * fraction of what whole entries do.
   */
  readLeaves(start: bigint, count: number): Promise<readonly Uint8Array[]>
  /** Whether there are so many entries. The database is asked only where memory cannot tell. */
  reaches(size: bigint): Promise<boolean>
  findByIdentity(identity: Hash): Promise<LogEntry | undefined>
  findByLeafHash(leafHash: Hash): Promise<LogEntry | undefined>
  /** Throws LogError `not_found` when `treeSize` is beyond the log or `leafIndex` beyond `treeSize`. */
  proveInclusion(leafIndex: bigint, treeSize: bigint): Promise<InclusionProof>
  /** Throws LogError `not_found` when `newSize` is beyond the log or `oldSize` beyond `newSize`. */
  proveConsistency(oldSize: bigint, newSize: bigint): Promise<ConsistencyProof>
  /** `width` hashes (1 to 256) of a C2SP tile, or `undefined` when the log does not reach that far yet. */
  readTile(level: number, index: bigint, width: number): Promise<Uint8Array | undefined>
  /** Called after entries were committed here; for followers, which also poll for the work of other replicas. */
  onAppended(listener: (treeSize: bigint) => void): void
}

/** What takes entries. */
export type LogWriter = {
  /**
   * Durable AND provable when it resolves. Throws LogError `queue_full`, `unavailable`, `closed`; `frozen`, `read_only`
   * and `maintenance` when the database says that this log takes no entries.
   */
  append(draft: EntryDraft): Promise<Appended>
  /**
   * The same for who needs no proof: a head that nobody asks for is not signed for each batch. Where others sign heads too, it waits for
   * them all the same.
   */
  place(draft: EntryDraft): Promise<Placed>
  /** Drafts that wait for their batch. */
  queueDepth(): number
}

/** For whoever opened it; others are given the side they need. */
export type Log = LogReader &
  LogWriter & {
    /** Finishes begun work and refuses new. The pool stays its owner's. */
    close(): Promise<void>
  }
