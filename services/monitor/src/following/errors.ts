/** Stable: callers may decide by these codes. Messages may change. */
export type FollowErrorCode =
  /** Nobody answered, or not with what was asked for: it may pass. */
  | 'unreachable'
  /** What was answered is not what such a log answers. */
  | 'bad_answer'
  /** A head bears no signature of the log, or a false one. */
  | 'bad_signature'
  /** No key of the log is known. */
  | 'no_key'

/** Why a log could not be followed for now. The message is one phrase; what is from outside is quoted in it. */
export class FollowError extends Error {
  override readonly name = 'FollowError'
  readonly code: FollowErrorCode
  /** What was refused, where that is evidence. */
  readonly evidence: string | undefined
  constructor(
    code: FollowErrorCode,
    message: string,
    options?: ErrorOptions & { readonly evidence?: string },
  ) {
    super(message, options)
    this.code = code
    this.evidence = options?.evidence
  }
}
