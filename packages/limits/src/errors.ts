export type LimitsErrorCode = 'bad_rule'

export class LimitsError extends Error {
  override readonly name = 'LimitsError'
  readonly code: LimitsErrorCode
  constructor(code: LimitsErrorCode, message: string) {
    super(message)
    this.code = code
  }
}
