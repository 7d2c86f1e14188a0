export type CryptoErrorCode =
  | 'bad_base64'
  | 'bad_hex'
  | 'bad_pem'
  | 'bad_der'
  | 'bad_json'
  | 'bad_public_key'
  | 'unsupported_key'
  | 'bad_signature'

/** Why bytes from outside were refused. The message is for whoever sent them. */
export class CryptoError extends Error {
  override readonly name = 'CryptoError'
  readonly code: CryptoErrorCode
  constructor(code: CryptoErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
