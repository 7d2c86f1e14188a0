/** Stable: callers may decide by these codes. Messages may change. */
export type TufErrorCode =
  /** The key is of a kind that clients of TUF do not verify. */
  | 'unusable_key'
  /** The metadata is not what its format says. */
  | 'damaged'
  /** Fewer keys have signed, or are named, than the threshold says. */
  | 'not_enough_signatures'
  /** The root names another online key than the one at hand. */
  | 'foreign_online_key'
  /** The metadata is larger than clients take. */
  | 'too_large'
  /** The metadata was valid until a time that has passed. */
  | 'expired'
  /** The repository shows an older version than it did before. */
  | 'rolled_back'

/** Why metadata cannot be made or believed. The message is for the operator. */
export class TufError extends Error {
  override readonly name = 'TufError'
  readonly code: TufErrorCode
  constructor(code: TufErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
