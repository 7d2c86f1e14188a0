/** Stable: callers may decide by these codes. Messages may change. */
export type SourceErrorCode =
  /** The service does not answer, or says that it cannot now. */
  | 'unavailable'
  /** The service does not take what it was asked; the message is its own. */
  | 'refused'
  /** What it answered has another form than its API says. */
  | 'malformed'

/** Why something could not be had from a service of the stack. The message is a sentence for whoever reads the page. */
export class SourceError extends Error {
  override readonly name = 'SourceError'
  readonly code: SourceErrorCode
  constructor(code: SourceErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
