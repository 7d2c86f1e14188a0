/** What following asks of a log, whatever its dialect. */
import type { ConsistencyProof, TreeHead } from '@sigstack/merkle'

/** A head whose signature by the log holds. */
export type ShownHead = {
  readonly origin: string
  readonly treeHead: TreeHead
  /** What was signed, with the signature. */
  readonly note: string
  /** The clock of whoever answered, in milliseconds since the epoch. */
  readonly dateMs: number | undefined
}

/** What is hashed into the tree, and what stands beside it. */
export type StoredLeaf = {
  readonly leaf: Uint8Array
  /** `extra_data` of RFC 6962, where the log was read by its API. */
  readonly extra?: Uint8Array
}

/** Each throws a {@link FollowError}, or the reason of the signal. */
export type TreeSource = {
  readHead(signal: AbortSignal): Promise<ShownHead>
  /**
   * The leaves from `start` to before `end` of the tree of `treeSize`, in order, in pieces that suit the log. Nothing of them is
   * checked: their hashes are.
   */
  readLeaves(
    range: { readonly start: bigint; readonly end: bigint; readonly treeSize: bigint },
    signal: AbortSignal,
  ): AsyncIterable<readonly StoredLeaf[]>
  /** As the log proves it; `oldSize` is not 0. The proof is not checked. */
  proveConsistency(oldSize: bigint, newSize: bigint, signal: AbortSignal): Promise<ConsistencyProof>
}
