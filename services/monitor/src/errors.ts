/** Stable: callers may decide by these codes. Messages may change. */
export type MonitorErrorCode =
  /** A watch, a log or a query is not well formed. */
  | 'malformed'
  /** There is no such row. */
  | 'not_found'
  /** The row is in a state, or from a file, that does not allow it. */
  | 'conflict'
  /** The request has no token, or another one. */
  | 'unauthorized'
  /** The list of logs or of watches has a fault. */
  | 'bad_file'

/** Why something was not done. The message is for the one who asked. */
export class MonitorError extends Error {
  override readonly name = 'MonitorError'
  readonly code: MonitorErrorCode
  constructor(code: MonitorErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
