/** Why a service could not start or stop as it should. The message is one sentence for the operator. */
export type ServerErrorCode =
  | 'port_taken'
  | 'port_forbidden'
  | 'address_unavailable'
  | 'secret_unreadable'
  | 'tls_unusable'
  | 'stop_timed_out'

export class ServerError extends Error {
  override readonly name = 'ServerError'
  readonly code: ServerErrorCode
  constructor(code: ServerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
