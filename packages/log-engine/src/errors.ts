/** Stable: callers may decide by these codes. Messages may change. */
export type LogErrorCode =
  /** More writers than the queue takes; try again shortly. */
  | 'queue_full'
  /** The database cannot be reached; try again. */
  | 'unavailable'
  /** The log was closed in this process. */
  | 'closed'
  /** There is no entry, tree or log of that number or name. */
  | 'not_found'
  /** This database holds a log of that name under another key. */
  | 'foreign_key'
  /** The database shows a tree that does not extend what this process has already signed. */
  | 'inconsistent'
  /** This shard has its last entry; the next shard of the series takes what comes. */
  | 'frozen'
  /** The operator takes no new entries, for long or for good. */
  | 'read_only'
  /** The operator takes no new entries for the moment; try again. */
  | 'maintenance'
  /** What was asked of a series of shards does not fit its state. */
  | 'bad_series'

/** Why the log did not do what was asked. Codes are a stable interface, messages are not. */
export class LogError extends Error {
  override readonly name = 'LogError'
  readonly code: LogErrorCode
  constructor(code: LogErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
