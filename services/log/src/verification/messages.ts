/** What goes to the thread that verifies large bodies, and what comes back. */
import type { EntryErrorCode, EntryPolicy, SchemaFault, VerifiedEntry } from '@sigstack/rekor-entries'

export type Task = {
  readonly id: number
  readonly task: 'entry' | 'query'
  /** The request's body; transferred, not copied. */
  readonly bytes: Uint8Array
}

export type TaskData = { readonly policy: EntryPolicy }

/** An EntryError, which does not survive the way between threads. */
export type Refusal = {
  readonly code: EntryErrorCode
  readonly message: string
  readonly schemaFault?: SchemaFault
}

export type Outcome<T> = { readonly value: T } | { readonly refusal: Refusal }

export type TaskResult = { readonly id: number } & (
  | { readonly entry: Outcome<VerifiedEntry> }
  | { readonly query: unknown; readonly entries: readonly Outcome<VerifiedEntry>[] }
  | { readonly badJson: true }
  | { readonly failed: string }
)
