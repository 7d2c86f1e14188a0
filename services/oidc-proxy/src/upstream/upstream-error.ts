export type UpstreamErrorCode =
  /** It is no URL, one with credentials, or not https where it has to be. */
  | 'url_refused'
  /** The name leads into a network that this issuer may not be in. */
  | 'address_refused'
  /** The answer leads to another host, to no URL, or further than is followed. */
  | 'redirect_refused'
  /** No connection was made, or it broke. */
  | 'unreachable'
  /** The answer was not there in time. */
  | 'timeout'
  /** The answer has another status than 200. */
  | 'bad_status'
  /** The document has more bytes than are taken. */
  | 'too_large'
  /** The document is no JSON object, or cannot be unpacked. */
  | 'not_json'

/** Why a document could not be had from an issuer. The message is fit for operators and for peers. */
export class UpstreamError extends Error {
  override readonly name = 'UpstreamError'
  readonly code: UpstreamErrorCode
  /** Whether it is refused only because nobody said that this issuer is on the own network. */
  readonly mayBePermitted: boolean
  constructor(
    code: UpstreamErrorCode,
    message: string,
    options?: ErrorOptions & { readonly mayBePermitted?: boolean },
  ) {
    super(message, options)
    this.code = code
    this.mayBePermitted = options?.mayBePermitted ?? false
  }
}
