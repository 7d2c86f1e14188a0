/**
 * The one place where the driver is configured: int8 is a bigint and bytea a Buffer, numeric stays a
 * string. Results come in text format only: this driver decodes binary ones as UTF-8 first, which destroys them. Connection trouble arrives as a {@link PostgresError}, SQL errors as the driver's own.
 */
import { createHash } from 'node:crypto'
import type Driver from 'pg'
import { Client as DriverClient, pg } from './driver.ts'
import { isSharedSession, PostgresError, translate } from './errors.ts'
import { beginTransaction, beginUnprepared, sessionSettings } from './session-settings.ts'

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
  /** The statement that begins a transaction here; `begin` where it is not said. */
  begin?(): string
  /** Whether sessions are lent by a pooler, so that only what a transaction says of itself can be relied on. */
  isShared?(): boolean
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
  /** Hears of connections that break, idle ones too; they are replaced when next needed. And, once, of a pooler that shares sessions. */
  readonly onError?: (error: Error) => void
}

/** A network that swallows packets keeps nobody from stopping. */
const goodByeMs = 2_000
/** Longer than the usual rounds of services: a new session costs the server a process, and both a proof of the password. */
const idleMs = 60_000

const INT8 = 20
const INT8_ARRAY = 1016

/** Opens no connection yet: the first query does. Throws `unavailable` and `connection_lost` from its methods. */
export function createPool(options: PoolOptions): Pool {
  /** Whoever ends a pool knows that its connections end. */
  const report = (error: Error) => {
    if (ended === undefined) options.onError?.(error)
  }
  const idleInTransactionTimeoutMs = options.idleInTransactionTimeoutMs ?? 0
  const settings = sessionSettings(idleInTransactionTimeoutMs)
  const pool = new pg.Pool({
    connectionString: options.connectionString,
    Client: DriverClient,
    max: options.maxConnections ?? 10,
    connectionTimeoutMillis: options.connectTimeoutMs ?? 5_000,
    idleTimeoutMillis: idleMs,
    keepAlive: true,
    types: parsers(),
    ...(options.queryTimeoutMs === undefined ? {} : { query_timeout: options.queryTimeoutMs }),
    ...(options.applicationName === undefined ? {} : { application_name: options.applicationName }),
    // oxlint-disable-next-line typescript/no-misused-promises -- the pool waits for it, whatever its types say
    onConnect: async (client) => {
      const { rows } = await client.query<{ is_used: boolean }>(settings.text, settings.values as unknown[])
      if (rows[0]?.is_used === true) foundShared()
    },
  } satisfies Driver.PoolConfig)
  // Without a listener on the client itself, a borrowed connection that breaks between two queries would
  // end the process. Idle ones are heard here too, so the pool's own event only needs to be silenced.
  const open = new Set<Driver.PoolClient>()
  pool.on('connect', (client) => {
    client.on('error', report)
    open.add(client)
    client.once('end', () => open.delete(client))
  })
  pool.on('error', () => {})

  /** A pooler gives each transaction the session that is free, so nothing that a session keeps can be relied on. */
  let isShared = false

  function foundShared(cause?: unknown): PostgresError {
    const error = new PostgresError(
      'try_again',
      'a pooler between here and the database shares its sessions (pool_mode=transaction): statements are not prepared any more, which costs some speed',
      { cause },
    )
    if (!isShared) report(error)
    isShared = true
    return error
  }

  async function run<Row>(
    target: Driver.Pool | Driver.PoolClient,
    statement: string | NamedStatement,
    values: readonly unknown[] | undefined,
  ): Promise<QueryResult<Row>> {
    const config = typeof statement === 'string' ? statement : configOf(statement, isShared)
    const isPrepared = typeof config !== 'string' && config.name !== undefined
    try {
      return (await target.query(config as string, values as unknown[])) as unknown as QueryResult<Row>
    } catch (error) {
      if (!isPrepared || !isSharedSession(error)) return rethrowTranslated(error)
      const found = foundShared(error)
      // By itself it has done nothing; in a transaction it has ended that.
      if (target === pool) return run(target, statement, values)
      throw found
    }
  }

  let ended: Promise<void> | undefined

  /** The driver's own ends when it has said good-bye: a server that stops then would still find the connections open. */
  async function endAll(): Promise<void> {
    const closed = [...open].map((client) => new Promise((resolve) => client.once('end', resolve)))
    await pool.end()
    const late = Promise.withResolvers<void>()
    const timer = setTimeout(late.resolve, goodByeMs)
    await Promise.race([Promise.all(closed), late.promise])
    clearTimeout(timer)
  }

  return {
    query: (statement, values) => run(pool, statement, values),
    connect: async () => {
      const client = await pool.connect().catch(rethrowTranslated)
      return {
        query: (statement, values) => run(client, statement, values),
        release: (destroy) => client.release(destroy),
      }
    },
    begin: () => (isShared ? beginUnprepared(idleInTransactionTimeoutMs) : beginTransaction),
    isShared: () => isShared,
    end: () => {
      ended ??= endAll()
      return ended
    },
  }
}

function configOf({ timeoutMs, name, ...statement }: NamedStatement, isShared: boolean): Driver.QueryConfig {
  return {
    ...statement,
    ...(name !== undefined && !isShared && { name: nameOf(name, statement.text) }),
    ...(timeoutMs !== undefined && { query_timeout: timeoutMs }),
  } as Driver.QueryConfig
}

/** By text: a session that is shared may know a statement of that name from another release, and would run that one. */
const names = new Map<string, string>()

function nameOf(name: string, text: string): string {
  const known = names.get(text)
  if (known !== undefined) return known
  const made = `${name}-${createHash('sha256').update(text).digest('hex').slice(0, 12)}`
  names.set(text, made)
  return made
}

function rethrowTranslated(error: unknown): never {
  throw translate(error)
}

function parsers(): Driver.CustomTypesConfig {
  const types = new pg.TypeOverrides()
  types.setTypeParser(INT8, 'text', BigInt)
  types.setTypeParser(INT8_ARRAY, 'text', parseInt8Array)
  return types as Driver.CustomTypesConfig
}

/** One dimension; an element may be null. */
function parseInt8Array(text: string): (bigint | null)[] {
  const inner = text.slice(1, -1)
  return inner === '' ? [] : inner.split(',').map((element) => (element === 'NULL' ? null : BigInt(element)))
}
