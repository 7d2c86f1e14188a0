/** Stable: callers may decide by these codes. Messages may change. */
export type LimitsErrorCode =
  /** The text of a limit is no rule, is out of range, or there are too many of them. */
  | 'bad_rule'
  /** The text is no address and no range of addresses. */
  | 'bad_address'

/** Why a setting of a limit was refused. The message is for the operator. */
export class LimitsError extends Error {
  override readonly name = 'LimitsError'
  readonly code: LimitsErrorCode
  constructor(code: LimitsErrorCode, message: string) {
    super(message)
    this.code = code
  }
}
