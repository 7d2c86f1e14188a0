export type UpstreamErrorCode =
  | 'url_refused'
  | 'address_refused'
  | 'redirect_refused'
  | 'unreachable'
  | 'timeout'
  | 'bad_status'
  | 'too_large'
  | 'not_json'

/** Why a document could not be had from an issuer. The message is fit for operators and for peers. */
export class UpstreamError extends Error {
  override readonly name = 'UpstreamError'
  readonly code: UpstreamErrorCode
  constructor(code: UpstreamErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
