/** A bundle (sigstore_bundle.proto) as it was read: every member has the form it must have, none is believed yet. */
import type { HashAlgorithm } from '@sigstack/crypto'

export type Bundle = {
  readonly version: BundleVersion
  readonly material: { readonly certificate: Uint8Array /** DER. */ } | { readonly keyHint: string }
  readonly entries: readonly LogEntry[]
  /** DER TimeStampResp (RFC 3161). */
  readonly timestamps: readonly Uint8Array[]
  readonly content: MessageSignature | Envelope
}

export type BundleVersion = '0.1' | '0.2' | '0.3'

export type MessageSignature = {
  readonly type: 'message'
  readonly algorithm: HashAlgorithm
  readonly digest: Uint8Array
  readonly signature: Uint8Array
}

/** A DSSE envelope with its one signature. */
export type Envelope = {
  readonly type: 'envelope'
  readonly payload: Uint8Array
  readonly payloadType: string
  readonly signature: Uint8Array
  /** As it was given: it says nothing, but the log may have hashed it. */
  readonly keyId?: string
}

export type LogEntry = {
  /** Of the whole log; the proof has that of the tree. */
  readonly logIndex: bigint
  readonly logId: Uint8Array
  readonly kind: string
  readonly version: string
  /** Seconds; 0 where the log gives no times. Nothing vouches for it but the promise. */
  readonly integratedTime: bigint
  /** Signed entry timestamp of a Rekor v1 log. */
  readonly promise?: Uint8Array
  readonly proof?: EntryProof
  readonly body: Uint8Array
}

export type EntryProof = {
  readonly logIndex: bigint
  readonly treeSize: bigint
  readonly rootHash: Uint8Array
  readonly hashes: readonly Uint8Array[]
  /** Signed note; absent only in bundles of version 0.1. */
  readonly checkpoint?: string
}

/** Rekor v2 gives no promise and no time, and has one index. The old `intoto` 0.0.2 is of Rekor v1. */
export function isOfRekorV2({ kind, version }: Pick<LogEntry, 'kind' | 'version'>): boolean {
  return version === '0.0.2' && kind !== 'intoto'
}
