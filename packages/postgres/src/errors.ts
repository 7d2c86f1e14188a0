/**
 * Why the database could not be used. SQL errors (constraints, syntax) keep the driver's own type and SQLSTATE.
 * Stable: callers may decide by these codes. Messages may change.
 */
import { reasonOf } from '@sigstack/crypto'
export type PostgresErrorCode =
  /** No connection could be had: nothing was sent, so a retry is safe. */
  | 'unavailable'
  /** The connection broke in use: an open transaction on it is rolled back by the server. */
  | 'connection_lost'
  /** The connection broke while COMMIT was under way: read before you write again. */
  | 'commit_outcome_unknown'
  /** The server undid the transaction for the sake of another one, or of a pooler: the same may work now. */
  | 'try_again'
  /** A statement of the transaction had failed and its error was swallowed: nothing was committed. */
  | 'transaction_rolled_back'
  /** The list of migrations is not in order. */
  | 'bad_migration'
  /** A migration that was applied has another text now. */
  | 'migration_changed'
  /** A newer release has taken something away that this one needs. */
  | 'schema_too_new'
  /** The folder is not one that the embedded PostgreSQL can use. */
  | 'data_directory_unusable'
  /** Another process uses the folder. */
  | 'data_directory_in_use'
  /** The programs of the embedded PostgreSQL are not installed. */
  | 'embedded_postgres_missing'
  /** The embedded PostgreSQL did not start, or has ended. */
  | 'embedded_postgres_failed'

export class PostgresError extends Error {
  override readonly name = 'PostgresError'
  readonly code: PostgresErrorCode
  constructor(code: PostgresErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/**
 * True when the database, not the request, is at fault and a later try may work: refused or broken connections,
 * a server that starts, stops, is full (class 53) or became a read-only replica. Services answer 503 then.
 */
export function isUnavailable(error: unknown): boolean {
  if (error instanceof PostgresError) {
    return (
      error.code === 'unavailable' ||
      error.code === 'connection_lost' ||
      error.code === 'try_again' ||
      error.code === 'commit_outcome_unknown'
    )
  }
  return unavailabilityOf(error) !== undefined
}

/** What the driver throws for a query on a connection known to be dead: the query was never sent. */
export function wasNeverSent(error: unknown): boolean {
  return error instanceof Error && error.message.endsWith('is not queryable')
}

/** Connection trouble as a {@link PostgresError}; every other error as it came. */
export function translate(error: unknown): unknown {
  if (error instanceof PostgresError) return error
  switch (unavailabilityOf(error)) {
    case 'unavailable':
      return new PostgresError(
        'unavailable',
        `the database ${isFull(error) ? 'has no room' : 'cannot be reached'}: ${reasonsOf(error)}`,
        { cause: error },
      )
    case 'connection_lost':
      return new PostgresError(
        'connection_lost',
        `the connection to the database was lost: ${reasonsOf(error)}`,
        { cause: error },
      )
    case 'try_again':
      return new PostgresError('try_again', `the database asks to try again: ${reasonsOf(error)}`, {
        cause: error,
      })
    default:
      return error
  }
}

/** A statement that was prepared in another session than this one, or in this one by somebody else. */
export function isSharedSession(error: unknown): boolean {
  const { code, message = '' } = (error ?? {}) as { readonly code?: unknown; readonly message?: string }
  return code === '26000' || (code === '42P05' && message.includes('prepared statement'))
}

const NETWORK_CODES = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
])
const BROKEN_CODES = new Set(['ECONNRESET', 'EPIPE', 'ECONNABORTED'])
/** Shutdown by an administrator, crash of another backend, dropped database, timeouts that end the session; outcome unknown. */
const BROKEN_STATES = new Set(['57P01', '57P02', '57P04', '57P05', '25P03', '25P04', '40003'])
/** Server starting or stopping; a replica that only reads, as seen during a failover. */
const UNAVAILABLE_STATES = new Set(['57P03', '25006'])
/** Serialization failures, deadlocks, locks that were not to be had, statements cancelled by a time-out or an administrator. */
const AGAIN_STATES = new Set(['40001', '40P01', '55P03', '57014'])

function unavailabilityOf(error: unknown): 'unavailable' | 'connection_lost' | 'try_again' | undefined {
  if (!(error instanceof Error)) return undefined
  const { code, syscall } = error as NodeJS.ErrnoException
  if (typeof code === 'string') {
    if (NETWORK_CODES.has(code) || UNAVAILABLE_STATES.has(code)) return 'unavailable'
    // A missing or closed Unix socket file; the same codes from other calls are none of our business.
    if (syscall === 'connect' && (code === 'ENOENT' || code === 'EACCES' || code === 'EAGAIN'))
      return 'unavailable'
    if (AGAIN_STATES.has(code)) return 'try_again'
    if (BROKEN_CODES.has(code) || BROKEN_STATES.has(code)) return 'connection_lost'
    if (isFull(error)) return 'unavailable'
    if (/^08...$/.test(code)) return 'connection_lost'
    return undefined
  }
  // The driver gives these no code, so here, and only here, messages are read.
  if (/^timeout exceeded when trying to connect|due to connection timeout/.test(error.message))
    return 'unavailable'
  if (error.message.startsWith('Cannot use a pool after calling end')) return 'unavailable'
  if (/^Connection terminated|is not queryable$|^Query read timeout/.test(error.message))
    return 'connection_lost'
  return undefined
}

/** Class 53: no disk, no memory, no connection left. It answers all the same whoever asks for nothing of them. */
export function isFull(error: unknown): boolean {
  if (error instanceof PostgresError) return isFull(error.cause)
  return error instanceof Error && 'code' in error && /^53...$/.test(String(error.code))
}

/** Nothing was heard: nobody listens, or whoever does says nothing. */
export function isSilence(error: unknown): boolean {
  const { code, syscall } = error as NodeJS.ErrnoException
  if (code !== undefined)
    return syscall !== undefined && (NETWORK_CODES.has(code) || BROKEN_CODES.has(code) || code === 'ENOENT')
  return unavailabilityOf(error) !== undefined || (error as Error).message === 'timeout expired'
}

/** Several addresses were tried, and the error around them has no words of its own. */
function reasonsOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(reasonOf).join('; ')
  return reasonOf(error)
}
