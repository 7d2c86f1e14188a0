/** A tree that is followed, as it is known here. */
import type { TreeHead } from '@sigstack/merkle'

export type LogKind = 'rekor-v1' | 'rekor-v2' | 'ct'

/** The worst that is known of it. */
export type TreeState =
  /** All that was shown fits, and was read. */
  | 'following'
  /** Heads fit as far as leaves were read; there are more to read. */
  | 'behind'
  /** A head that was shown does not fit. The tree is followed no further, and its heads go on to be kept. */
  | 'inconsistent'
  /** No head was seen yet. */
  | 'unseen'

export type TreeStatus = {
  readonly id: bigint
  readonly logName: string
  /** Of a Rekor v1 log, in decimal; else empty. */
  readonly shard: string
  readonly kind: LogKind
  readonly url: string
  readonly origin: string | undefined
  readonly state: TreeState
  /** Up to here every leaf was hashed and led to a signed root. */
  readonly verified: TreeHead
  readonly verifiedAt: Date | undefined
  /** Leaves that were read and hashed: beyond `verified` while there is more to read. */
  readonly reached: bigint
  /** The largest that was shown, fitting or not. */
  readonly newest: (TreeHead & { readonly seenAt: Date }) | undefined
  readonly heads: bigint
}
