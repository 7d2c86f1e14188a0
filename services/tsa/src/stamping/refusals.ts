/** Stable: metrics have them as labels. */
export type RefusalCode =
  /** What was sent is no request. */
  | 'malformed'
  /** A request in JSON is too long. */
  | 'too_large'
  /** The digest is of SHA-1. */
  | 'weak_hash'
  /** The hash is none that is stamped. */
  | 'unsupported_hash'
  /** The digest is not as long as those of its hash. */
  | 'wrong_digest_length'
  /** The policy in JSON is no object identifier. */
  | 'bad_policy'
  /** The policy is not one of this authority. */
  | 'unaccepted_policy'
  /** The request has extensions. */
  | 'unaccepted_extension'
  /** The body is of a type that is no request's. */
  | 'content_type'
  /** The body is longer than may be. */
  | 'body_too_large'
  /** The clock cannot be believed, and the operator wants no stamp then. */
  | 'clock_unsure'
  /** The key did not sign, or what it made does not verify. */
  | 'signing_failed'
  /** Whoever asked has gone. */
  | 'client_gone'
  /** Anything else is a fault of ours. */
  | 'internal'

/** Why there is no stamp. The message is for the log; what the requester reads is the wire's. */
export class StampRefusal extends Error {
  override readonly name = 'StampRefusal'
  readonly code: RefusalCode
  constructor(code: RefusalCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
