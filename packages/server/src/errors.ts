/**
 * Why a service could not start or stop as it should. The message is one sentence for the operator.
 * Stable: callers may decide by these codes. Messages may change.
 */
export type ServerErrorCode =
  /** Another process listens there. */
  | 'port_taken'
  /** The port is one that needs more rights. */
  | 'port_forbidden'
  /** The address is none of this machine. */
  | 'address_unavailable'
  /** A `NAME_FILE` cannot be used; the message says why. */
  | 'secret_unreadable'
  /** The environment has values that cannot be; the message names each. */
  | 'bad_settings'
  /** Certificate and key for HTTPS cannot be used. */
  | 'tls_unusable'
  /** Something did not stop in time. */
  | 'stop_timed_out'

export class ServerError extends Error {
  override readonly name = 'ServerError'
  readonly code: ServerErrorCode
  constructor(code: ServerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
