/** The seam for those who sign the heads of a log too: witnesses. The engine knows that there may be some, and nothing of them. */
import type { ConsistencyProof } from '@sigstack/merkle'
import type { SignedCheckpoint } from './log.ts'

/** What is asked of the log in return. */
export type CosignedLog = {
  readonly origin: string
  proveConsistency(oldSize: bigint, newSize: bigint): Promise<ConsistencyProof>
  /** The newest tree head, signed by the log alone. */
  newest(): Promise<SignedCheckpoint>
  /** Shows a checkpoint with more signatures to whoever asks for its size from now on. */
  update(checkpoint: SignedCheckpoint): void
}

export type Cosigning = {
  /**
   * The checkpoint, signed by the log and remembered, with the signatures of others as far as they are waited for; or that of a later head.
   * Called once for each head, and settles in a bounded time. Throws LogError `unavailable` where they are demanded and missing.
   */
  gather(checkpoint: SignedCheckpoint, log: CosignedLog): Promise<SignedCheckpoint>
  /** How often a head that does not grow is signed again, so that its times stay fresh. */
  readonly republishMs: number
}
