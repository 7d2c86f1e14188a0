export type TufErrorCode =
  | 'unusable_key'
  | 'damaged'
  | 'not_enough_signatures'
  | 'foreign_online_key'
  | 'too_large'

/** Why metadata cannot be made or believed. The message is for the operator. */
export class TufError extends Error {
  override readonly name = 'TufError'
  readonly code: TufErrorCode
  constructor(code: TufErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
