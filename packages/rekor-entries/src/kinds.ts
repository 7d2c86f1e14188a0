/** Every kind and version that this log accepts: all of Rekor v1's. A new one is a folder of its own and a line here. */
import { alpine001 } from './alpine/alpine.ts'
import { cose001 } from './cose/cose.ts'
import { dsse001 } from './dsse/dsse.ts'
import type { EntryFacts, EntryVersion } from './entry.ts'
import { hashedrekord001 } from './hashedrekord/hashedrekord.ts'
import { helm001 } from './helm/helm.ts'
import { intoto001 } from './intoto/intoto-0.0.1.ts'
import { intoto002 } from './intoto/intoto-0.0.2.ts'
import { jar001 } from './jar/jar.ts'
import type { JsonObject } from './json.ts'
import { dsseFacts } from './rekor-v2/dsse-0.0.2.ts'
import { hashedRekordFacts } from './rekor-v2/hashedrekord-0.0.2.ts'
import { rekord001 } from './rekord/rekord.ts'
import { rfc3161001 } from './rfc3161/rfc3161.ts'
import { rpm001 } from './rpm/rpm.ts'
import { tuf001 } from './tuf/tuf.ts'

type Versions = Readonly<Record<string, EntryVersion>>

const versionsOf = {
  alpine: { '0.0.1': alpine001 },
  cose: { '0.0.1': cose001 },
  dsse: { '0.0.1': dsse001 },
  hashedrekord: { '0.0.1': hashedrekord001 },
  helm: { '0.0.1': helm001 },
  intoto: { '0.0.1': intoto001, '0.0.2': intoto002 },
  jar: { '0.0.1': jar001 },
  rekord: { '0.0.1': rekord001 },
  rfc3161: { '0.0.1': rfc3161001 },
  rpm: { '0.0.1': rpm001 },
  tuf: { '0.0.1': tuf001 },
} satisfies Readonly<Record<string, Versions>>

export type EntryKind = keyof typeof versionsOf

export const entryKinds = Object.keys(versionsOf) as readonly EntryKind[]

export function isEntryKind(kind: unknown): kind is EntryKind {
  return (entryKinds as readonly unknown[]).includes(kind)
}

/** By kind, then by `apiVersion`. */
export const kinds: ReadonlyMap<string, ReadonlyMap<string, EntryVersion>> = new Map(
  Object.entries<Versions>(versionsOf).map(([kind, versions]) => [kind, new Map(Object.entries(versions))]),
)

/** Versions that logs of Rekor v2 hold: those of v1 take none of them. */
const factsOfV2: Readonly<Record<string, (spec: JsonObject) => EntryFacts>> = {
  'hashedrekord 0.0.2': hashedRekordFacts,
  'dsse 0.0.2': dsseFacts,
}

/** What reads the facts of a stored body of that kind and version; `undefined` for one that is not known here. */
export function factsReaderOf(kind: string, apiVersion: string): EntryVersion['factsOf'] | undefined {
  const name = `${kind} ${apiVersion}`
  return (
    kinds.get(kind)?.get(apiVersion)?.factsOf ??
    (Object.hasOwn(factsOfV2, name) ? factsOfV2[name] : undefined)
  )
}
