/** What the face asked for. */
import type { VerifiedEntry } from '@sigstack/rekor-entries'
import type { Shard } from './shard.ts'

/** Looks up entries by what they are about; a hint, since the index follows the log. */
export type Search = {
  /**
   * Leaf hashes of the entries under the keys, without order. Each criterion is a list of spellings of which one is enough;
   * `and` wants all criteria met, `or` any.
   */
  find(criteria: readonly (readonly string[])[], operator: 'and' | 'or'): Promise<readonly Uint8Array[]>
  /** Spares the follower from reading what was just written. */
  remember(leafIndex: bigint, keys: readonly string[]): void
}

export type RekorV1Dependencies = {
  /** The active shard. */
  readonly shard: Shard
  /** Throws EntryError. */
  readonly verifyProposal: (proposal: unknown) => Promise<VerifiedEntry>
  readonly search: Search
  /** Of POST bodies. */
  readonly bodyLimitBytes: number
}

/** The lengths of the shards before the active one; there are none yet. */
export const inactiveLengths: readonly bigint[] = []
