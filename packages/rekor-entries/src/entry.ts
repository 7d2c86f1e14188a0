/** What goes into this package and what comes out of it. */
import type { SignatureAlgorithm } from '@sigstack/crypto'

/** All of Rekor v1's. */
export const entryKinds = [
  'alpine',
  'cose',
  'dsse',
  'hashedrekord',
  'helm',
  'intoto',
  'jar',
  'rekord',
  'rfc3161',
  'rpm',
  'tuf',
] as const

export type EntryKind = (typeof entryKinds)[number]

export function isEntryKind(kind: unknown): kind is EntryKind {
  return (entryKinds as readonly unknown[]).includes(kind)
}

export type EntryPolicy = {
  /** Key and hash pairs that a hashedrekord may use; other kinds are not subject to it. */
  readonly allowedAlgorithms: readonly SignatureAlgorithm[]
  /** Every kind known here when left out. */
  readonly enabledKinds?: readonly EntryKind[]
  /** How large the unpacked metadata of an apk or JAR may be; 1 MiB when left out. */
  readonly metadataLimitBytes?: number
}

export type VerifiedEntry = {
  readonly kind: EntryKind
  readonly apiVersion: string
  /** Canonical JSON (RFC 8785) of `{apiVersion, kind, spec}`: exactly the bytes that become the leaf. */
  readonly body: Uint8Array
  /** What the search index finds the entry by: lower case, no duplicates. */
  readonly searchKeys: readonly string[]
  /** What a log that stores attestations keeps beside the entry; the body holds only its hash. */
  readonly attestation?: Attestation
}

export type Attestation = {
  /** `sha256:<hex>`, as in the body. */
  readonly key: string
  readonly bytes: Uint8Array
}

/** Lower case and no duplicates, as the index holds them. */
export function indexForm(keys: Iterable<string>): readonly string[] {
  const lowered = new Set<string>()
  for (const key of keys) lowered.add(key.toLowerCase())
  return [...lowered]
}
