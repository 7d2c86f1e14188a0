/** Stable: callers may decide by these codes. Messages may change. */
export type CtErrorCode =
  /** The bytes are not the structure that RFC 6962 lays out. */
  | 'bad_tls'
  /** The answer of a log is not the JSON that RFC 6962 has for it. */
  | 'bad_json'
  /** A version, type, hash or algorithm that is not of RFC 6962, or not known here. */
  | 'unsupported'
  /** A value of ours does not fit the field that it goes into. */
  | 'out_of_range'

/** Why bytes of a certificate transparency log, or meant for one, were refused. */
export class CtError extends Error {
  override readonly name = 'CtError'
  readonly code: CtErrorCode
  constructor(code: CtErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
