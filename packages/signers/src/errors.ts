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
  /** An optional package that keys of this kind need is not installed. */
  | 'package_missing'
  | 'no_credentials'
  | 'permission_denied'
  | 'no_such_key'
  /** The key is there, but is none that signs as Sigstore's clients verify. */
  | 'unsupported_key'
  /** The service does not answer, or says that it cannot at the moment; a later try may work. */
  | 'unreachable'
  | 'busy'
  | 'too_slow'
  /** The service says no for a reason of its own, which the message tells. */
  | 'refused'
  | 'bad_signature'

/** Why a key cannot be used or made. The message is for the operator; it names the file or URI, never a secret. */
export class SignerError extends Error {
  override readonly name = 'SignerError'
  readonly code: SignerErrorCode
  constructor(code: SignerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** Whether the same request may be answered a moment later. */
export function isPassing(error: unknown): boolean {
  return (
    error instanceof SignerError &&
    (error.code === 'unreachable' || error.code === 'busy' || error.code === 'too_slow')
  )
}

/** Whether `error` says that a file is not there, and nothing worse. */
export function isMissingFile(error: unknown): boolean {
  const cause = error instanceof SignerError && error.code === 'unreadable' ? error.cause : undefined
  return cause instanceof Error && 'code' in cause && cause.code === 'ENOENT'
}
