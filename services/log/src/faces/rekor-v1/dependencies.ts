/** What the face asked for. */
import type { Asker } from '@sigstack/limits/turnstile'
import type { VerifiedEntry } from '@sigstack/rekor-entries'
import type { DearReads, SearchKey, Shards } from '@sigstack/rekor-log'
import type { PreparedAnswers } from '@sigstack/server'
import type { OpenSource } from '../../search/source.ts'
import type { RekorV1Settings } from './settings.ts'

export type Found = { readonly virtualIndex: bigint; readonly leafHash: Uint8Array }

/** Looks up entries by what they are about; a hint, since the index follows the log. */
export type Search = {
  /**
   * Virtual indexes and leaf hashes of the entries under the keys, without order. Each criterion is a list of spellings of which one is enough;
   * `and` wants all criteria met, `or` any.
   */
  find(
    criteria: readonly (readonly SearchKey[])[],
    operator: 'and' | 'or',
    asker: Asker,
  ): Promise<readonly Found[]>
  /** The oldest under any of the keys, for writers; virtual indexes. */
  firstUnder(keys: readonly SearchKey[], limit: number): Promise<readonly bigint[]>
}

export type RekorV1Dependencies = {
  readonly shards: Shards
  /**
   * Verifies a proposal in JSON; `undefined` for what is none. Throws EntryError. `sender` is the network of the client: who sends
   * much waits behind himself.
   */
  readonly verifyText: (text: string, sender: string) => Promise<VerifiedEntry | undefined>
  readonly search: Search
  /** What `/api/v1/search` looks into: this log, and others of the same database. */
  readonly searched: () => Promise<readonly OpenSource[]>
  /** Turns for answers that hold much; one for all kinds of them. */
  readonly dearReads?: DearReads
  /** For entries that are asked for again and again. */
  readonly prepared?: PreparedAnswers
  readonly now: () => Date
  /** Of POST bodies. */
  readonly bodyLimitBytes: number
  /** Of what is logged; larger entries are refused. */
  readonly entryLimitBytes: number
  readonly settings?: RekorV1Settings
}
