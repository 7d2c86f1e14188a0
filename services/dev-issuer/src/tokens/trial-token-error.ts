export type TrialTokenErrorCode =
  /** The body is not the object that the endpoint takes. */
  | 'request_refused'
  /** It is no e-mail address. */
  | 'email_refused'
  /** Nobody is named. */
  | 'subject_refused'
  /** A claim that the issuer sets itself, or too many or too long ones. */
  | 'claim_refused'
  /** The token would live for longer than any here, or for no time. */
  | 'lifetime_refused'

/** Why no token was made. The message is for the requester. */
export class TrialTokenError extends Error {
  override readonly name = 'TrialTokenError'
  readonly code: TrialTokenErrorCode
  constructor(code: TrialTokenErrorCode, message: string) {
    super(message)
    this.code = code
  }
}
