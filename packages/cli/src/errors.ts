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
  /** Going on from it would fork the log. */
  | 'older_state'
  /** No verdict on the log. */
  | 'not_audited'

/** Why a command failed. `advice` says what to do next, in words that can be followed. */
export class CliError extends Error {
  override readonly name = 'CliError'
  readonly code: CliErrorCode
  readonly advice: string | undefined
  /** Of the process. */
  readonly status: number
  constructor(
    code: CliErrorCode,
    message: string,
    options?: ErrorOptions & { readonly advice?: string; readonly status?: number },
  ) {
    super(message, options)
    this.code = code
    this.advice = options?.advice
    this.status = options?.status ?? 1
  }
}

/** The command has said what it found; the exit status says it to scripts. */
export class ExitWith extends Error {
  override readonly name = 'ExitWith'
  readonly status: number
  constructor(status: number) {
    super(`exit status ${status}`)
    this.status = status
  }
}
