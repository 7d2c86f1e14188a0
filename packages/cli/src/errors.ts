export type CliErrorCode =
  | 'bad_usage'
  | 'not_running'
  | 'bad_endpoints'
  | 'no_token'
  | 'bad_token'
  | 'unreadable'
  | 'unwritable'
  | 'unreachable'
  | 'bad_trust'
  | 'bad_configuration'
  | 'bad_bundle'
  | 'not_signed'
  | 'not_verified'
  | 'bad_authority'
  | 'not_published'
  /** The log, its database or its keys do not allow what was asked. */
  | 'log_refused'
  /** An audit found what must not be. */
  | 'damaged'

/** Why a command failed. `advice` says what to do next, in words that can be followed. */
export class CliError extends Error {
  override readonly name = 'CliError'
  readonly code: CliErrorCode
  readonly advice: string | undefined
  constructor(code: CliErrorCode, message: string, options?: ErrorOptions & { readonly advice?: string }) {
    super(message, options)
    this.code = code
    this.advice = options?.advice
  }
}
