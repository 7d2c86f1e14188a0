export type AdmissionErrorCode =
  /** A rule, or the absence of one, refuses the entry. */
  | 'denied'
  /** The sender is not known: no token, or one that does not count. */
  | 'unknown_sender'
  /** The address or the identity has written too much for now. */
  | 'too_many'
  /** The file of rules cannot be used; the message says where and why. */
  | 'bad_policy'

/** The message is for whoever sent the entry, or for `bad_policy` for whoever wrote the rules. */
export class AdmissionError extends Error {
  override readonly name = 'AdmissionError'
  readonly code: AdmissionErrorCode
  /** Set exactly when the code is `too_many`. */
  readonly retryAfterSeconds: number | undefined
  constructor(
    code: AdmissionErrorCode,
    message: string,
    options?: ErrorOptions & { retryAfterSeconds?: number },
  ) {
    super(message, options)
    this.code = code
    this.retryAfterSeconds = options?.retryAfterSeconds
  }
}
