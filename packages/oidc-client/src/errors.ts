/** Stable: callers may decide by these codes. Messages may change. */
export type OidcErrorCode =
  /** The issuer does not answer; `cause` says how. */
  | 'unreachable'
  /** What it says of itself is not that of this issuer, or lacks what signing in needs. */
  | 'bad_issuer'
  /** It gives no ID token, or one that is not for us. */
  | 'no_token'

/** Why nobody is signed in. The message names the issuer, and holds no code, secret or token. */
export class OidcError extends Error {
  override readonly name = 'OidcError'
  readonly code: OidcErrorCode
  /** Whom was asked. */
  readonly url: string
  constructor(code: OidcErrorCode, url: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.url = url
  }
}
