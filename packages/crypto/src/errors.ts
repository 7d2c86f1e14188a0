/** Stable: callers may decide by these codes. Messages may change. */
export type CryptoErrorCode =
  /** It is not base64 in the one spelling that is wanted, standard or URL-safe. */
  | 'bad_base64'
  /** It is not hexadecimal. */
  | 'bad_hex'
  /** It is not PEM, or not one block where one is wanted. */
  | 'bad_pem'
  /** It is not DER, or not the element that is wanted. */
  | 'bad_der'
  /** The value has no canonical JSON. */
  | 'bad_json'
  /** The bytes are no text in UTF-8, or in UTF-16 with a byte order mark. */
  | 'bad_text'
  /** It is not a SubjectPublicKeyInfo, or its parameters are no key. */
  | 'bad_public_key'
  /** It is a key, but of a kind, curve or size that nothing here verifies with. */
  | 'unsupported_key'

/** Why bytes from outside were refused. The message is for whoever sent them. */
export class CryptoError extends Error {
  override readonly name = 'CryptoError'
  readonly code: CryptoErrorCode
  constructor(code: CryptoErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
