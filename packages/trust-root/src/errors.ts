export type TrustRootErrorCode =
  | 'too_large'
  | 'not_json'
  | 'wrong_media_type'
  | 'unknown_member'
  | 'bad_member'
  | 'missing_validity_start'
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
