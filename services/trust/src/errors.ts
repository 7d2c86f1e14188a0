export type TrustErrorCode =
  | 'source_unavailable'
  | 'source_unusable'
  | 'data_unusable'
  | 'repository_unusable'

/** Why the trust could not be collected or published. The message is for the operator. */
export class TrustError extends Error {
  override readonly name = 'TrustError'
  readonly code: TrustErrorCode
  constructor(code: TrustErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
