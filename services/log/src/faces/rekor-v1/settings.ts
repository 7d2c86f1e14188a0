/** What an operator may set about the dialect. Everything left out is as upstream has it. */
import type { VerifiedEntry } from '@sigstack/rekor-entries'
import type { IsLogged } from './logged-signatures.ts'

/** Who may write, and how often. Both throw a refusal with its reason. */
export type WriterGate = {
  /** Before anything of the body is read. */
  admitAddress(address: string): Promise<void>
  /** By the `Authorization` header; the sender, where that must be known. */
  admitSender(authorization: string | undefined): Promise<string | undefined>
  /** For an entry that was verified; `log` tells whether it, or a signature of it, is there already. */
  admitEntry(
    entry: VerifiedEntry,
    address: string,
    log: { isNew(): Promise<boolean>; hasSignature: IsLogged },
    sender?: string,
  ): Promise<void>
}

/** What intoto and cose entries attest, kept beside the log (rekor-v1.md section 13.5). */
export type Attestations = {
  /** Never throws: an entry is accepted whether its attestation can be kept or not. */
  keep(attestation: { readonly key: string; readonly bytes: Uint8Array }): Promise<void>
  /** `undefined` where there is none, or it cannot be read now. */
  read(key: string): Promise<Uint8Array | undefined>
}

/** Takes bodies that would keep the thread of all requests for too long. */
export type LargeBodies = {
  /** Bodies of so many bytes and more. */
  readonly minBytes: number
  /** Throws EntryError; `undefined` for what is not JSON. */
  verifyEntry(body: Uint8Array, sender: string): Promise<VerifiedEntry | undefined>
  /** The query without the contents of its `entries`, and what these became; `undefined` for what is not JSON. */
  verifyQuery(
    body: Uint8Array,
    sender: string,
  ): Promise<{ readonly query: unknown; readonly entries: readonly (() => VerifiedEntry)[] } | undefined>
}

export type RekorV1Settings = {
  /** An entry that is there already: 409 with its address (default), or 201 with the entry itself. */
  readonly duplicates?: 'conflict' | 'existing'
  /** IDs of routes; others answer 501. All when left out. */
  readonly enabledEndpoints?: readonly string[]
  readonly gate?: WriterGate
  readonly attestations?: Attestations
  readonly largeBodies?: LargeBodies
}
