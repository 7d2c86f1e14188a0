export type TrialTokenErrorCode =
  | 'request_refused'
  | 'email_refused'
  | 'subject_refused'
  | 'claim_refused'
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
