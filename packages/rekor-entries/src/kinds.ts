/** Every kind and version that this log accepts. A new one is a folder of its own and a line here. */
import { alpine001 } from './alpine/alpine.ts'
import { cose001 } from './cose/cose.ts'
import { dsse001 } from './dsse/dsse.ts'
import type { EntryKind, EntryPolicy, VerifiedEntry } from './entry.ts'
import { hashedrekord001 } from './hashedrekord/hashedrekord.ts'
import { helm001 } from './helm/helm.ts'
import { intoto001 } from './intoto/intoto-0.0.1.ts'
import { intoto002 } from './intoto/intoto-0.0.2.ts'
import { jar001 } from './jar/jar.ts'
import type { JsonObject } from './json.ts'
import { rekord001 } from './rekord/rekord.ts'
import { rfc3161001 } from './rfc3161/rfc3161.ts'
import { rpm001 } from './rpm/rpm.ts'
import { tuf001 } from './tuf/tuf.ts'

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
  ['rekord', new Map([['0.0.1', rekord001]])],
  ['alpine', new Map([['0.0.1', alpine001]])],
  ['cose', new Map([['0.0.1', cose001]])],
  ['helm', new Map([['0.0.1', helm001]])],
  ['jar', new Map([['0.0.1', jar001]])],
  ['rfc3161', new Map([['0.0.1', rfc3161001]])],
  ['rpm', new Map([['0.0.1', rpm001]])],
  ['tuf', new Map([['0.0.1', tuf001]])],
])
