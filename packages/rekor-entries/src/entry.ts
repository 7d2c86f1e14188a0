/** What goes into this package, what comes out of it, and what every kind of entry has to tell. */
import type { SignatureAlgorithm } from '@sigstack/crypto'
import type { JsonObject } from './json.ts'
import type { Verifier } from './verifier.ts'

/** What a log sets that versions of kinds ask for. */
export type VersionPolicy = {
  /** TUF metadata must not have expired then; nothing else looks at it. */
  readonly now: () => Date
  /** Key and hash pairs that a hashedrekord may use; other kinds are not subject to it. */
  readonly allowedAlgorithms: readonly SignatureAlgorithm[]
  /** How large the unpacked metadata of an apk or JAR may be; 1 MiB when left out. */
  readonly metadataLimitBytes?: number
}

/** What an entry tells about itself. */
export type EntryFacts = {
  /** Every key that verified it and is recorded for it. Never empty in an entry that was verified. */
  readonly verifiers: readonly Verifier[]
  /** What the search index finds the entry by, as `searchKeysOf` makes it. */
  readonly searchKeys: readonly string[]
}

/** What a proposed `spec` becomes. */
export type Verified = EntryFacts & {
  /** Canonical JSON (RFC 8785) of `{apiVersion, kind, spec}`: exactly the bytes that become the leaf. */
  readonly body: Uint8Array
  /** A hashedrekord that is found by more than its body says; of other kinds that goes without saying. */
  readonly tellsLess?: boolean
  /** What a log that stores attestations keeps beside the entry; the body holds only its hash. */
  readonly attestation?: Attestation
}

/** One version of a kind. */
export type EntryVersion = {
  /** Verifies a proposed `spec`. Refuses with an EntryError and nothing else; the proposal is not changed. */
  readonly verify: (spec: JsonObject, policy: VersionPolicy) => Promise<Verified>
  /**
   * The same facts of a stored canonical `spec`, or fewer where the body does not hold them all. Nothing is verified again: the
   * door did that. Refuses a broken one with an EntryError.
   */
  readonly factsOf: (spec: JsonObject) => EntryFacts
  /** Under which key the attestation of a stored `spec` is kept; left out by kinds that have none. */
  readonly attestationKeyOf?: (spec: JsonObject) => string | undefined
}

export type Attestation = {
  /** `sha256:<hex>`, as in the body. */
  readonly key: string
  readonly bytes: Uint8Array
}
