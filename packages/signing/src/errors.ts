/** Stable: callers may decide by these codes. Messages may change. */
export type SigningErrorCode =
  /** A service refused or failed, or what was to be signed cannot be. */
  | 'not_signed'
  /** The identity token is none, or one that the authority would refuse. */
  | 'bad_token'
  /** The signing config names no services that can be used now. */
  | 'bad_trust'
  /** It is no private key that signs, or not in the form that is wanted. */
  | 'bad_key'
  /** The password does not open the key. */
  | 'wrong_password'
  /** What a key reference names is not there, or cannot be reached. */
  | 'no_key'
  /** The predicate or statement is not of the type that was asked for. */
  | 'bad_statement'
  /** A part of a signature is not in its form. */
  | 'bad_bundle'

/** Why there is no signature. `advice` says what to do next; neither holds a token, a key or a password. */
export class SigningError extends Error {
  override readonly name = 'SigningError'
  readonly code: SigningErrorCode
  readonly advice: string | undefined
  constructor(
    code: SigningErrorCode,
    message: string,
    options?: ErrorOptions & { readonly advice?: string | undefined },
  ) {
    super(message, options)
    this.code = code
    this.advice = options?.advice
  }
}
