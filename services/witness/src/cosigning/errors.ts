/** Stable: callers may decide by these codes. Messages may change. */
export type WitnessErrorCode =
  /** The body is no submission, or the old size is the larger one. */
  | 'malformed'
  /** No log of this origin is configured. */
  | 'unknown_log'
  /** No known key of the log has signed, or a line in its name does not verify. */
  | 'unsigned'
  /** The checkpoint does not extend what was cosigned before. */
  | 'inconsistent'
  /** Entries of a log were uploaded before any checkpoint of it. */
  | 'no_checkpoint'
  /** More submissions are on their way than may be. */
  | 'busy'
  /** The list of logs has a fault. */
  | 'bad_logs'

/** Why nothing was cosigned. The message is for the one who asked. */
export class WitnessError extends Error {
  override readonly name = 'WitnessError'
  readonly code: WitnessErrorCode
  constructor(code: WitnessErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
