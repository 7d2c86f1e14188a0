/** What goes to a thread that verifies, and what comes back. */
import type {
  DsseMode,
  EntryErrorCode,
  EntryPolicy,
  SchemaFault,
  VerifiedEntry,
} from '@sigstack/rekor-entries'

/** What verifies texts: proposals of Rekor v1, or where `v2` is set requests of v2. */
export type TextPolicy = EntryPolicy & { readonly v2?: { readonly dsse: DsseMode } }

/** A clock does not get there: the time comes with each request. */
export type ThreadData = { readonly policy: Omit<TextPolicy, 'now'> }

export type Task =
  /** A request's body with one proposal, or with a query; the bytes are transferred, not copied. */
  | { readonly kind: 'entry' | 'query'; readonly bytes: Uint8Array }
  /** Proposals of usual size, each by itself. */
  | { readonly kind: 'texts'; readonly texts: readonly string[] }

/** An EntryError, which does not survive the way between threads. */
export type Refusal = {
  readonly code: EntryErrorCode
  readonly message: string
  readonly schemaFault?: SchemaFault
}

export type Outcome =
  | { readonly value: VerifiedEntry }
  | { readonly refusal: Refusal }
  /** It is not JSON. */
  | { readonly badJson: true }

export type Answer = {
  /** Of each proposal, in their order. */
  readonly outcomes: readonly Outcome[]
  /** Of a body with a query: the query without its proposals. */
  readonly query?: unknown
}

/** `atMs`: when it was asked. */
export type Request = { readonly atMs: number; readonly task: Task }
