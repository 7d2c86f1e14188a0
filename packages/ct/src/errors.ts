export type CtErrorCode = 'bad_tls' | 'bad_json' | 'unsupported' | 'out_of_range'

/** Why bytes of a certificate transparency log, or meant for one, were refused. */
export class CtError extends Error {
  override readonly name = 'CtError'
  readonly code: CtErrorCode
  constructor(code: CtErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
