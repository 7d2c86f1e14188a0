/** What the face asked for. */
import type { VerifiedEntry } from '@sigstack/rekor-entries'
import type { Page, PageQuery } from '../../search/index.ts'
import type { RekorV1Settings } from './settings.ts'
import type { Shards } from './shard.ts'

export type Found = { readonly virtualIndex: bigint; readonly leafHash: Uint8Array }

/** Looks up entries by what they are about; a hint, since the index follows the log. */
export type Search = {
  /**
   * Virtual indexes and leaf hashes of the entries under the keys, without order. Each criterion is a list of spellings of which one is enough;
   * `and` wants all criteria met, `or` any.
   */
  find(criteria: readonly (readonly string[])[], operator: 'and' | 'or'): Promise<readonly Found[]>
  /** A bounded part of what is found, in order; indexes are virtual ones. */
  page(query: PageQuery<string>): Promise<Page>
  /** Entries below this virtual index can be found. */
  indexed(): Promise<bigint>
}

export type RekorV1Dependencies = {
  readonly shards: Shards
  /** Throws EntryError. */
  readonly verifyProposal: (proposal: unknown) => Promise<VerifiedEntry>
  /** The same of a proposal that is not parsed yet; `undefined` for what is not JSON. */
  readonly verifyText: (text: string) => Promise<VerifiedEntry | undefined>
  readonly search: Search
  /** Of POST bodies. */
  readonly bodyLimitBytes: number
  readonly settings?: RekorV1Settings
}
