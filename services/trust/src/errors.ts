export type TrustErrorCode =
  /** A service does not answer with its keys now. */
  | 'source_unavailable'
  /** What a service or a file gives is no key or certificate to publish. */
  | 'source_unusable'
  /** A file of what was published cannot be read or written. */
  | 'data_unusable'
  /** The TUF repository cannot go on from what is in its folder, or with the keys at hand. */
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
