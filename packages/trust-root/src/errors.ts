/** Stable: callers may decide by these codes. Messages may change. */
export type TrustRootErrorCode =
  /** The file is larger than any that is about. */
  | 'too_large'
  /** The text is not JSON, or repeats a name. */
  | 'not_json'
  /** `mediaType` is that of another file or version. */
  | 'wrong_media_type'
  /** A member that the format does not have. */
  | 'unknown_member'
  /** A member is missing, or its value is none that it may have. */
  | 'bad_member'
  /** The key of a log does not say since when it is valid. */
  | 'missing_validity_start'
  /** The chain of an authority is empty. */
  | 'bad_chain'

/** Why a trust file was refused, or could not be built. The message names the member, as in `tlogs[0].logId`. */
export class TrustRootError extends Error {
  override readonly name = 'TrustRootError'
  readonly code: TrustRootErrorCode
  constructor(code: TrustRootErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
