/** Stable: callers may decide by these codes. Messages may change. */
export type TimestampErrorCode =
  /** The bytes are no request, or no response, of RFC 3161. */
  | 'malformed'
  /** A request in JSON is longer than any that means something. */
  | 'too_large'
  /** The hash is one that was broken: SHA-1. */
  | 'weak_hash'
  /** The hash is none that is stamped here. */
  | 'unsupported_hash'
  /** The digest is not as long as those of its hash are. */
  | 'wrong_digest_length'
  /** The policy of a request in JSON is no object identifier. */
  | 'bad_policy'
  /** The chain of certificates is none that clients accept of a timestamp authority. */
  | 'bad_chain'
  /** A token that was made here is not what it should be, and is given to nobody. */
  | 'bad_stamp'

/** Why a request or a token of RFC 3161 was refused. */
export class TimestampError extends Error {
  override readonly name = 'TimestampError'
  readonly code: TimestampErrorCode
  constructor(code: TimestampErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

export function malformed(message: string, cause?: unknown): TimestampError {
  return new TimestampError('malformed', message, { cause })
}
