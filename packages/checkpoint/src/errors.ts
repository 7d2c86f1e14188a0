/** Stable: callers may decide by these codes. Messages may change. */
export type CheckpointErrorCode =
  /** Not a signed note, or its text is not that of a checkpoint. */
  | 'bad_note'
  /** It is a signed note, and its text is not that of a checkpoint. */
  | 'bad_checkpoint'
  /** No signature line bears the wanted name and key hint. */
  | 'unknown_signer'
  /** A line bears the name and key hint, and its signature does not verify. */
  | 'bad_signature'
  /** Not the text form of a key of notes, or of a kind that nothing here verifies. */
  | 'bad_key'
  /** Not a witness policy (C2SP tlog-policy). */
  | 'bad_policy'
  /** Not a proof of C2SP tlog-proof. */
  | 'bad_proof'
  /** The log has signed, and of the witnesses too few have. */
  | 'no_quorum'
  /** Signed, but not what the proof beside it leads to. */
  | 'wrong_tree_head'

/** Why a signed note or checkpoint was refused. */
export class CheckpointError extends Error {
  override readonly name = 'CheckpointError'
  readonly code: CheckpointErrorCode
  constructor(code: CheckpointErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
