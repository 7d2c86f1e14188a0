/** Stable: callers may decide by these codes. Messages may change. */
export type BackupErrorCode =
  /** The file is no backup of a log, or of a later format. */
  | 'not_a_backup'
  /** The file breaks off. */
  | 'truncated'
  /** The file, or the log that was to be backed up, is not what its hashes say. */
  | 'damaged'
  /** Two signed or stored heads are of two histories. */
  | 'other_history'
  /** Going on from there would take back what was signed already: a fork. */
  | 'older_state'
  /** A checkpoint is missing, or does not verify. */
  | 'bad_checkpoint'
  /** The database holds the log that was to be restored. */
  | 'not_empty'

/** Why a log was not backed up or restored. The message tells what to do. */
export class BackupError extends Error {
  override readonly name = 'BackupError'
  readonly code: BackupErrorCode
  constructor(code: BackupErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
