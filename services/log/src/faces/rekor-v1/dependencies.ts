/** What the face asked for. */
import type { VerifiedEntry } from '@sigstack/rekor-entries'
import type { Shards } from './shard.ts'

export type Found = { readonly virtualIndex: bigint; readonly leafHash: Uint8Array }

/** Looks up entries by what they are about; a hint, since the index follows the log. */
export type Search = {
  /**
   * Virtual indexes and leaf hashes of the entries under the keys, without order. Each criterion is a list of spellings of which one is enough;
   * `and` wants all criteria met, `or` any.
   */
  find(criteria: readonly (readonly string[])[], operator: 'and' | 'or'): Promise<readonly Found[]>
  /** Spares the follower from reading what was just written. */
  remember(virtualIndex: bigint, keys: readonly string[]): void
}

export type RekorV1Dependencies = {
  readonly shards: Shards
  /** Throws EntryError. */
  readonly verifyProposal: (proposal: unknown) => Promise<VerifiedEntry>
  readonly search: Search
  /** Of POST bodies. */
  readonly bodyLimitBytes: number
}
