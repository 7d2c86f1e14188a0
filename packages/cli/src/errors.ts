/** Stable: scripts that ask for JSON may decide by these codes. Messages may change. */
export type CliErrorCode =
  /** The words or options of the command do not fit together, or one is missing. */
  | 'bad_usage'
  /** This build of the tool goes without the command. */
  | 'left_out'
  /** No stack runs on the data folder. */
  | 'not_running'
  /** Nobody said which configuration the CA runs with. */
  | 'unknown_configuration'
  /** The list of services in the data folder cannot be used, or names no service of the kind that is wanted. */
  | 'bad_endpoints'
  /** Nobody gave an identity token to sign with. */
  | 'no_token'
  /** The identity token is none, or no one would take it. */
  | 'bad_token'
  /** A file cannot be read, or is not the text that it should be. */
  | 'unreadable'
  /** A file or folder cannot be written. */
  | 'unwritable'
  /** A service or URL gives no answer, or not the one that was asked for. */
  | 'unreachable'
  /** A trusted root or signing config is none, or names nothing that can be used now. */
  | 'bad_trust'
  /** The configuration of the CA cannot be read as one. */
  | 'bad_configuration'
  /** The policy of images is none, or the engine that it is for cannot say it. */
  | 'bad_policy'
  /** A part of a signature is not in its form. */
  | 'bad_bundle'
  /** No signature was made; nothing was written. */
  | 'not_signed'
  /** A signature was looked at, and is not accepted. */
  | 'not_verified'
  /** What is attached to an image could not be removed. */
  | 'not_cleaned'
  /** What was asked of the authorities of a CA cannot be done with what is in its folder. */
  | 'bad_authority'
  /** Clients do not trust the next authority yet, so letting it issue would break them. */
  | 'not_published'
  /** The log, its database or its keys do not allow what was asked. */
  | 'log_refused'
  /** Going on from it would fork the log. */
  | 'older_state'
  /** Nothing tells whether it would. */
  | 'no_evidence'
  /** The command took longer than it was given. */
  | 'timed_out'
  /** No verdict on the log. */
  | 'not_audited'

/** Why a command failed. `advice` says what to do next, in words that can be followed. */
export class CliError extends Error {
  override readonly name = 'CliError'
  readonly code: CliErrorCode
  readonly advice: string | undefined
  /** Of the process. */
  readonly status: number
  /** Where several things were tried: why each of them failed, a line each. */
  readonly reasons: readonly string[]
  constructor(
    code: CliErrorCode,
    message: string,
    options?: ErrorOptions & {
      readonly advice?: string
      readonly status?: number
      readonly reasons?: readonly string[]
    },
  ) {
    super(message, options)
    this.code = code
    this.advice = options?.advice
    this.status = options?.status ?? 1
    this.reasons = options?.reasons ?? []
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
