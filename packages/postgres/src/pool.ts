/**
 * The one place where the driver is configured: int8 is a bigint and bytea a Buffer, numeric stays a
 * string. Results come in text format only: this driver decodes binary ones as UTF-8 first, which destroys them. Connection trouble arrives as a {@link PostgresError}, SQL errors as the driver's own.
 */
import pg from 'pg'
import { translate } from './errors.ts'

/** A statement by name is parsed and planned once per connection. */
export type NamedStatement = {
  readonly name?: string
  readonly text: string
  readonly values?: readonly unknown[]
  /** In place of the pool's `queryTimeoutMs`. */
  readonly timeoutMs?: number
}

export type QueryResult<Row> = {
  readonly rows: Row[]
  /** Rows changed or returned; null for statements that count nothing. */
  readonly rowCount: number | null
  /** The server's command tag, such as `COMMIT`. */
  readonly command?: string
}

export type Queryable = {
  query<Row = Record<string, unknown>>(
    statement: string | NamedStatement,
    values?: readonly unknown[],
  ): Promise<QueryResult<Row>>
}

/** One connection, until released. Release with `true` or an error when its state is not known. */
export type Client = Queryable & { release(destroy?: boolean | Error): void }

export type Pool = Queryable & {
  connect(): Promise<Client>
  /** Waits for borrowed connections to come back, then closes all. May be called more than once. */
  end(): Promise<void>
}

export type PoolOptions = {
  readonly connectionString: string
  /** Default 10. */
  readonly maxConnections?: number
  /** Shown in pg_stat_activity. */
  readonly applicationName?: string
  /** The longest wait for a connection, free or new; default 5,000 ms. */
  readonly connectTimeoutMs?: number
  /** The longest wait for an answer: a network that swallows packets is `connection_lost` then. Default: none. */
  readonly queryTimeoutMs?: number
  /**
   * How long a transaction may wait for its own client before the server ends it, and with it the locks of a client that was frozen
   * or has vanished without a word. Default: the server's.
   */
  readonly idleInTransactionTimeoutMs?: number
  /** Hears of connections that break, idle ones too. They are replaced when next needed. */
  readonly onError?: (error: Error) => void
}

const INT8 = 20
const INT8_ARRAY = 1016

/** Opens no connection yet: the first query does. Throws `unavailable` and `connection_lost` from its methods. */
export function createPool(options: PoolOptions): Pool {
  const report = options.onError ?? (() => {})
  const pool = new pg.Pool({
    connectionString: options.connectionString,
    max: options.maxConnections ?? 10,
    connectionTimeoutMillis: options.connectTimeoutMs ?? 5_000,
    keepAlive: true,
    types: parsers(),
    ...(options.queryTimeoutMs === undefined ? {} : { query_timeout: options.queryTimeoutMs }),
    ...(options.idleInTransactionTimeoutMs === undefined
      ? {}
      : { idle_in_transaction_session_timeout: options.idleInTransactionTimeoutMs }),
    ...(options.applicationName === undefined ? {} : { application_name: options.applicationName }),
  })
  // Without a listener on the client itself, a borrowed connection that breaks between two queries would
  // end the process. Idle ones are heard here too, so the pool's own event only needs to be silenced.
  pool.on('connect', (client) => client.on('error', report))
  pool.on('error', () => {})

  let ended: Promise<void> | undefined
  return {
    query: (statement, values) => run(pool, statement, values),
    connect: async () => {
      const client = await pool.connect().catch(rethrowTranslated)
      return {
        query: (statement, values) => run(client, statement, values),
        release: (destroy) => client.release(destroy),
      }
    },
    end: () => {
      ended ??= pool.end()
      return ended
    },
  }
}

async function run<Row>(
  target: pg.Pool | pg.PoolClient,
  statement: string | NamedStatement,
  values: readonly unknown[] | undefined,
): Promise<QueryResult<Row>> {
  try {
    const result = await (typeof statement === 'string'
      ? target.query(statement, values as unknown[])
      : target.query(configOf(statement), values as unknown[]))
    return result as unknown as QueryResult<Row>
  } catch (error) {
    return rethrowTranslated(error)
  }
}

function configOf({ timeoutMs, ...statement }: NamedStatement): pg.QueryConfig {
  return (timeoutMs === undefined ? statement : { ...statement, query_timeout: timeoutMs }) as pg.QueryConfig
}

function rethrowTranslated(error: unknown): never {
  throw translate(error)
}

function parsers(): pg.CustomTypesConfig {
  const types = new pg.TypeOverrides()
  types.setTypeParser(INT8, 'text', BigInt)
  types.setTypeParser(INT8_ARRAY, 'text', parseInt8Array)
  return types as pg.CustomTypesConfig
}

/** One dimension; an element may be null. */
function parseInt8Array(text: string): (bigint | null)[] {
  const inner = text.slice(1, -1)
  return inner === '' ? [] : inner.split(',').map((element) => (element === 'NULL' ? null : BigInt(element)))
}
