/** Why the database could not be used. SQL errors (constraints, syntax) keep the driver's own type and SQLSTATE. */
export type PostgresErrorCode =
  /** No connection could be had: nothing was sent, so a retry is safe. */
  | 'unavailable'
  /** The connection broke in use: an open transaction on it is rolled back by the server. */
  | 'connection_lost'
  /** The connection broke while COMMIT was under way: read before you write again. */
  | 'commit_outcome_unknown'
  /** A statement of the transaction had failed and its error was swallowed: nothing was committed. */
  | 'transaction_rolled_back'
  | 'bad_migration'
  | 'migration_changed'
  | 'data_directory_unusable'
  | 'data_directory_in_use'
  | 'embedded_postgres_missing'
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
      return new PostgresError('unavailable', `the database cannot be reached: ${reasonOf(error)}`, {
        cause: error,
      })
    case 'connection_lost':
      return new PostgresError(
        'connection_lost',
        `the connection to the database was lost: ${reasonOf(error)}`,
        { cause: error },
      )
    default:
      return error
  }
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
/** Shutdown by an administrator, crash of another backend, dropped database, idle timeouts; outcome unknown. */
const BROKEN_STATES = new Set(['57P01', '57P02', '57P04', '57P05', '25P03', '40003'])
/** Server starting or stopping; a replica that only reads, as seen during a failover. */
const UNAVAILABLE_STATES = new Set(['57P03', '25006'])

function unavailabilityOf(error: unknown): 'unavailable' | 'connection_lost' | undefined {
  if (!(error instanceof Error)) return undefined
  const { code, syscall } = error as NodeJS.ErrnoException
  if (typeof code === 'string') {
    if (NETWORK_CODES.has(code) || UNAVAILABLE_STATES.has(code)) return 'unavailable'
    // A missing or closed Unix socket file; the same codes from other calls are none of our business.
    if (syscall === 'connect' && (code === 'ENOENT' || code === 'EACCES' || code === 'EAGAIN'))
      return 'unavailable'
    if (BROKEN_CODES.has(code) || BROKEN_STATES.has(code)) return 'connection_lost'
    if (/^53...$/.test(code)) return 'unavailable'
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

function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') {
    return error.errors.map((each) => (each instanceof Error ? each.message : String(each))).join('; ')
  }
  return error instanceof Error ? error.message : String(error)
}
