/** Stable: callers may decide by these codes. Messages may change. */
export type AuthorityErrorCode =
  /** The certificates of a chain are not there yet, have gone, or cannot be read. */
  | 'chain_unreadable'
  /** The certificates can be read, and are no chain that its key may issue under. */
  | 'chain_refused'
  /** The folder, or a file in it, cannot be read or written, or holds what a CA's folder does not. */
  | 'folder_unusable'
  /** Another intermediate is to be made, and the key of the root that signs it is not in the folder. */
  | 'root_missing'
  /** The folder has no authority of that name or key, or none that this may be done to. */
  | 'authority_unknown'

/** Stops the start, with one sentence for the operator. */
export class AuthorityError extends Error {
  override readonly name = 'AuthorityError'
  readonly code: AuthorityErrorCode
  constructor(code: AuthorityErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
