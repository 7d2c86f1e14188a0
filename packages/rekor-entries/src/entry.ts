/** What goes into this package and what comes out of it. */
import type { SignatureAlgorithm } from '@sigstack/crypto'

export type EntryKind = 'hashedrekord' | 'dsse'

export type EntryPolicy = {
  /** Key and hash pairs that a hashedrekord may use; other kinds are not subject to it. */
  readonly allowedAlgorithms: readonly SignatureAlgorithm[]
  /** Every kind known here when left out. */
  readonly enabledKinds?: readonly EntryKind[]
}

export type VerifiedEntry = {
  readonly kind: EntryKind
  readonly apiVersion: string
  /** Canonical JSON (RFC 8785) of `{apiVersion, kind, spec}`: exactly the bytes that become the leaf. */
  readonly body: Uint8Array
  /** What the search index finds the entry by: lower case, no duplicates. */
  readonly searchKeys: readonly string[]
}

/** Lower case and no duplicates, as the index holds them. */
export function indexForm(keys: Iterable<string>): readonly string[] {
  const lowered = new Set<string>()
  for (const key of keys) lowered.add(key.toLowerCase())
  return [...lowered]
}
