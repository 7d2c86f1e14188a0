import { parseRangeList } from '@sigstack/limits'
import {
  collectComplaints,
  type Environment,
  type InsideDoor,
  isLoopback,
  type LogLevel,
  logLevelVariable,
  pathVariable,
  portVariable,
  readEnvironment,
  SettingsError,
  secret,
  type TlsFiles,
  tlsFilesOf,
} from '@sigstack/server'
import { Type } from 'typebox'

export type Config = {
  readonly host: string
  readonly port: number
  readonly logLevel: LogLevel
  /** Undefined: whoever is on this machine may ask. */
  readonly token: string | undefined
  /** The list of logs; a changed one is read again. */
  readonly logsFile: string
  /** Watches beside those of the API. */
  readonly watchesFile: string | undefined
  readonly databaseUrl: string
  readonly databaseConnections: number
  /** Between two looks at a log that is not behind. */
  readonly intervalMs: number
  readonly tls?: TlsFiles
  /** For others in this process. */
  readonly inside?: InsideDoor
  /** Undefined: `/metrics` is served beside the API. */
  readonly metricsPort?: number
  readonly trustedProxies?: readonly string[]
}

export const variables = Type.Object({
  MONITOR_HOST: Type.String({ default: '127.0.0.1', minLength: 1 }),
  MONITOR_PORT: portVariable({ default: 7390 }),
  MONITOR_TOKEN: Type.Optional(
    secret(
      Type.String({
        minLength: 16,
        maxLength: 4096,
        pattern: '^[\\x21-\\x7e]+$',
        description: 'of printable ASCII characters, 16 at least',
      }),
    ),
  ),
  MONITOR_LOGS_FILE: pathVariable(),
  MONITOR_WATCHES_FILE: Type.Optional(pathVariable()),
  MONITOR_INTERVAL_SECONDS: Type.Integer({ default: 10, minimum: 1, maximum: 86_400 }),
  MONITOR_DATABASE_CONNECTIONS: Type.Integer({ default: 5, minimum: 1, maximum: 1000 }),
  MONITOR_TLS_CERTIFICATE_FILE: Type.Optional(pathVariable()),
  MONITOR_TLS_KEY_FILE: Type.Optional(pathVariable()),
  MONITOR_METRICS_PORT: Type.Optional(portVariable()),
  MONITOR_TRUSTED_PROXIES: Type.String({ default: '', maxLength: 10_000 }),
  DATABASE_URL: secret(
    Type.String({ pattern: '^postgres(ql)?://', maxLength: 4096, description: 'a postgresql: URL' }),
  ),
  LOG_LEVEL: logLevelVariable,
})

/** The only reader of the environment. Throws one error that names every bad variable. */
export function readConfig(environment: Environment): Config {
  const candidate = readEnvironment(environment, variables)
  const { attempt, throwAny } = collectComplaints()
  const tls = attempt(() =>
    tlsFilesOf('MONITOR', candidate.MONITOR_TLS_CERTIFICATE_FILE, candidate.MONITOR_TLS_KEY_FILE),
  )
  const trustedProxies = attempt(() =>
    parseRangeList(candidate.MONITOR_TRUSTED_PROXIES, 'MONITOR_TRUSTED_PROXIES'),
  )
  const { MONITOR_TOKEN: token, MONITOR_HOST: host } = candidate
  attempt(() => {
    if (token === undefined && !isLoopback(host))
      throw new SettingsError([
        'MONITOR_TOKEN must be set where MONITOR_HOST is not of loopback: others could change the watches and close alarms',
      ])
  })
  throwAny()
  return {
    host,
    port: candidate.MONITOR_PORT,
    logLevel: candidate.LOG_LEVEL,
    token,
    logsFile: candidate.MONITOR_LOGS_FILE,
    watchesFile: candidate.MONITOR_WATCHES_FILE,
    databaseUrl: candidate.DATABASE_URL,
    databaseConnections: candidate.MONITOR_DATABASE_CONNECTIONS,
    intervalMs: candidate.MONITOR_INTERVAL_SECONDS * 1000,
    ...(tls !== undefined && { tls }),
    ...(candidate.MONITOR_METRICS_PORT !== undefined && { metricsPort: candidate.MONITOR_METRICS_PORT }),
    ...(trustedProxies !== undefined && trustedProxies.length > 0 && { trustedProxies }),
  }
}
