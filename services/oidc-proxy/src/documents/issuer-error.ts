/** Stable: the member `code` of a problem. Messages may change. */
export type IssuerErrorCode =
  /** It is none of the issuers that this proxy is for. */
  | 'issuer_not_configured'
  /** The issuer does not answer with its documents now; ask again later. */
  | 'issuer_unavailable'
  /** The discovery document says that it is another issuer's. */
  | 'issuer_mismatch'
  /** The issuer answers, and not with the document that was asked for. */
  | 'document_invalid'

/** Why a document of an issuer cannot be served. The message is fit for the requester. */
export class IssuerError extends Error {
  override readonly name = 'IssuerError'
  readonly code: IssuerErrorCode
  /** When it makes sense to ask again; only for `issuer_unavailable`. */
  readonly retryAfterSeconds: number | undefined
  constructor(
    code: IssuerErrorCode,
    message: string,
    options?: ErrorOptions & { retryAfterSeconds?: number },
  ) {
    super(message, options)
    this.code = code
    this.retryAfterSeconds = options?.retryAfterSeconds
  }
}
