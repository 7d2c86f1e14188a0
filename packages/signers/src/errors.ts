export type SignerErrorCode =
  | 'bad_uri'
  | 'unsupported_scheme'
  | 'unreadable'
  | 'unsafe_permissions'
  | 'not_a_key'
  | 'not_encrypted'
  | 'password_missing'
  | 'wrong_password'
  | 'already_exists'
  | 'unwritable'

/** Why a key cannot be used or made. The message is for the operator; it names the file, never a secret. */
export class SignerError extends Error {
  override readonly name = 'SignerError'
  readonly code: SignerErrorCode
  constructor(code: SignerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** Whether `error` says that a file is not there, and nothing worse. */
export function isMissingFile(error: unknown): boolean {
  const cause = error instanceof SignerError && error.code === 'unreadable' ? error.cause : undefined
  return cause instanceof Error && 'code' in cause && cause.code === 'ENOENT'
}
