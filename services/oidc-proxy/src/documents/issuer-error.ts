export type IssuerErrorCode =
  | 'issuer_not_configured'
  | 'issuer_unavailable'
  | 'issuer_mismatch'
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
