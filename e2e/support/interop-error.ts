export type InteropErrorCode =
  | 'missing'
  | 'failed'
  /** What had to be refused. */
  | 'accepted'
  | 'timed_out'
  | 'went_outside'

/** Why a client did not do what was asked. Only `failed` is a refusal; the rest is a fault of the run or of the machine. */
export class InteropError extends Error {
  override readonly name = 'InteropError'
  readonly code: InteropErrorCode
  constructor(code: InteropErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
