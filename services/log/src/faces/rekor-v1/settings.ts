/** What an operator may set about the dialect. Everything left out is as upstream has it. */
import type { VerifiedEntry } from '@sigstack/rekor-entries'

/** Upstream's operation IDs (rekor-v1.md section 2), and what each is called where it is switched off. */
export const endpointNames = {
  createLogEntry: 'Create Entry',
  getLogEntryByIndex: 'Get Log Entry by Index',
  getLogEntryByUUID: 'Get Log Entry by UUID',
  searchLogQuery: 'Search Log Query',
  getLogInfo: 'Get Log Info',
  getLogProof: 'Get Log Proof',
  getPublicKey: 'Get Public Key',
  searchIndex: 'Search Index',
  // Not upstream's: our own search.
  search: 'Search',
} as const

export type Endpoint = keyof typeof endpointNames

export function isEndpoint(name: string): name is Endpoint {
  return Object.hasOwn(endpointNames, name)
}

/** Who may write, and how often. Both throw a refusal with its reason. */
export type WriterGate = {
  /** Before anything of the body is read. */
  admitAddress(address: string): Promise<void>
  /** For an entry that was verified. */
  admitEntry(body: Uint8Array, address: string): Promise<void>
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
  verifyEntry(body: Uint8Array): Promise<VerifiedEntry | undefined>
  /** The query without the contents of its `entries`, and what these became; `undefined` for what is not JSON. */
  verifyQuery(
    body: Uint8Array,
  ): Promise<{ readonly query: unknown; readonly entries: readonly (() => VerifiedEntry)[] } | undefined>
}

export type RekorV1Settings = {
  /** An entry that is there already: 409 with its address (default), or 201 with the entry itself. */
  readonly duplicates?: 'conflict' | 'existing'
  /** Others answer 501. All when left out. */
  readonly enabledEndpoints?: readonly Endpoint[]
  readonly gate?: WriterGate
  readonly attestations?: Attestations
  readonly largeBodies?: LargeBodies
}
