/** Every kind and version that this log accepts. A new one is a folder of its own and a line here. */
import { dsse001 } from './dsse/dsse.ts'
import type { EntryKind, EntryPolicy, VerifiedEntry } from './entry.ts'
import { hashedrekord001 } from './hashedrekord/hashedrekord.ts'
import { intoto001 } from './intoto/intoto-0.0.1.ts'
import { intoto002 } from './intoto/intoto-0.0.2.ts'
import type { JsonObject } from './json.ts'

export type EntryVersion = {
  /** Verifies a proposed `spec`. Refuses with an EntryError and nothing else; the proposal is not changed. */
  readonly verify: (spec: JsonObject, policy: EntryPolicy) => Promise<VerifiedEntry>
  /** What a stored canonical `spec` is found by: as at insertion, or less where the body does not hold it all. */
  readonly searchKeysOf: (spec: JsonObject) => readonly string[]
}

/** By kind, then by `apiVersion`. */
export const kinds: ReadonlyMap<EntryKind, ReadonlyMap<string, EntryVersion>> = new Map([
  ['hashedrekord', new Map([['0.0.1', hashedrekord001]])],
  [
    'intoto',
    new Map([
      ['0.0.1', intoto001],
      ['0.0.2', intoto002],
    ]),
  ],
  ['dsse', new Map([['0.0.1', dsse001]])],
])
