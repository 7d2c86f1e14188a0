/** Stable: callers may decide by these codes. Messages may change. */
export type SourceErrorCode =
  /** The service does not answer, or says that it cannot now. */
  | 'unavailable'
  /** The service does not take what it was asked; the message is its own. */
  | 'refused'
  /** What it answered has another form than its API says. */
  | 'malformed'
  /** It was asked so often from where the reader is that it is not asked now. */
  | 'too_many'

/** Why something could not be had from a service of the stack. The message is a sentence for whoever reads the page. */
export class SourceError extends Error {
  override readonly name = 'SourceError'
  readonly code: SourceErrorCode
  /** After which another try can succeed. */
  readonly retryAfterSeconds?: number
  constructor(
    code: SourceErrorCode,
    message: string,
    options: ErrorOptions & { readonly retryAfterSeconds?: number } = {},
  ) {
    super(message, options)
    this.code = code
    if (options.retryAfterSeconds !== undefined) this.retryAfterSeconds = options.retryAfterSeconds
  }
}
