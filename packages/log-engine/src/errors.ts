export type LogErrorCode =
  /** More writers than the queue takes; try again shortly. */
  | 'queue_full'
  /** The database cannot be reached; try again. */
  | 'unavailable'
  | 'closed'
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
  /** Another process does the same at this moment. */
  | 'busy'

/** Why the log did not do what was asked. */
export class LogError extends Error {
  override readonly name = 'LogError'
  readonly code: LogErrorCode
  constructor(code: LogErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
