/** Stable: callers may decide by these codes. Messages may change. */
import { errorCode } from '@sigstack/crypto'
export type SignerErrorCode =
  /** The URI of the key has not the form of its kind, or names several keys. */
  | 'bad_uri'
  /** No kind of key has a URI like this. */
  | 'unsupported_scheme'
  /** The file cannot be read; `cause` says why. */
  | 'unreadable'
  /** Others than its owner may read the file. */
  | 'unsafe_permissions'
  /** The file holds no private key that signs. */
  | 'not_a_key'
  /** The key in the file is not encrypted, as it has to be. */
  | 'not_encrypted'
  /** The key wants a password or PIN, and none is configured. */
  | 'password_missing'
  /** The password or PIN does not open the key. */
  | 'wrong_password'
  /** The file that was to be made is there. */
  | 'already_exists'
  /** The file cannot be written; `cause` says why. */
  | 'unwritable'
  /** An optional package that keys of this kind need is not installed. */
  | 'package_missing'
  /** Nobody gave the credentials that the service wants. */
  | 'no_credentials'
  /** The service does not let these credentials use the key. */
  | 'permission_denied'
  /** The service or token has no key of that name. */
  | 'no_such_key'
  /** The key is there, but is none that signs as Sigstore's clients verify. */
  | 'unsupported_key'
  /** The service does not answer, or says that it cannot at the moment; a later try may work. */
  | 'unreachable'
  /** The service has too many requests at the moment. */
  | 'busy'
  /** The signature was not there in time. */
  | 'too_slow'
  /** The service says no for a reason of its own, which the message tells. */
  | 'refused'
  /** What came as a signature does not verify with the key. */
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
  return errorCode(cause) === 'ENOENT'
}
