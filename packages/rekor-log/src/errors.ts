/** Stable: callers may decide by these codes. Messages may change. */
export type RekorLogErrorCode =
  /** More wait than there is room for; try again shortly. */
  | 'queue_full'
  /** A key, a thread or a shard does not answer here now; try again. */
  | 'unavailable'
  /** The log is stopping in this process. */
  | 'closed'
  /** The database holds no such log, or not all of it. */
  | 'not_found'
  /** The key at hand is not the one that the shard or the rollover names. */
  | 'foreign_key'
  /** What was kept of a log beside its database is nothing that its key signed. */
  | 'inconsistent'
  /** Another process does the same at this moment. */
  | 'busy'
  /** Logs of this kind end in another way. */
  | 'not_freezable'
  /** The next log of a line cannot have that name. */
  | 'bad_place'

/**
 * Why something around a log could not be done: its keys, its threads, its tools. What the log itself says is the engine's `LogError`,
 * whose codes mean the same where both have them. Codes are a stable interface, messages are not.
 */
export class RekorLogError extends Error {
  override readonly name = 'RekorLogError'
  readonly code: RekorLogErrorCode
  constructor(code: RekorLogErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
