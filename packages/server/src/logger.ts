/**
 * Log records: one JSON object a line, or a line for people. No record holds a request body or a header, what is
 * named like a secret is struck out, and so is whatever looks like a JSON Web Token anywhere in the line, since
 * tokens end up in other people's error messages.
 */
import { type Logger, pino, stdSerializers } from 'pino'

export type { Logger } from 'pino'

export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent'

export type LoggerOptions = {
  /** The service, in every record as `name`. */
  readonly name: string
  /** Default `info`. */
  readonly level?: LogLevel
  /** Takes whole lines with their line feed. Default: standard output. */
  readonly destination?: { write(line: string): void }
  /** Lines for people instead of JSON. */
  readonly pretty?: boolean
}

const SECRET_NAMES = [
  'authorization',
  'cookie',
  'set-cookie',
  'token',
  'identityToken',
  'idToken',
  'id_token',
  'accessToken',
  'access_token',
  'refresh_token',
  'oidcIdentityToken',
  'password',
  'passphrase',
  'secret',
  'clientSecret',
  'client_secret',
  'privateKey',
  'connectionString',
]

const TOKEN = /\beyJ[\w-]{4,}\.[\w-]{4,}\.[\w-]*/g

export function createLogger(options: LoggerOptions): Logger {
  const { name, level = 'info', pretty = false } = options
  return pino(
    {
      name,
      level,
      base: { name },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: stdSerializers.err, req: describeRequest },
      redact: { paths: SECRET_NAMES.flatMap(pathsTo), censor: '[redacted]' },
      hooks: {
        streamWrite: (line) => {
          const safe = line.includes('eyJ') ? line.replaceAll(TOKEN, '[token]') : line
          return pretty ? describeRecord(safe) : safe
        },
      },
    },
    options.destination ?? pino.destination({ fd: 1, sync: true }),
  )
}

/** What may be known of a request: the query may carry codes and tokens, so it stays out. */
export function describeRequest(request: {
  readonly method?: string
  readonly url?: string
  readonly ip?: string
}): Record<string, unknown> {
  return { method: request.method, path: pathOf(request.url ?? ''), remoteAddress: request.ip }
}

const PATH_LIMIT = 256

export function pathOf(url: string): string {
  const end = url.indexOf('?')
  return (end === -1 ? url : url.slice(0, end)).slice(0, PATH_LIMIT)
}

function pathsTo(name: string): string[] {
  const key = /^\w+$/.test(name) ? name : `["${name}"]`
  const below = (parent: string) => (key.startsWith('[') ? `${parent}${key}` : `${parent}.${key}`)
  return [key, below('*'), below('*.*')]
}

function describeRecord(line: string): string {
  const { level, time, name, msg, err, ...rest } = JSON.parse(line) as Record<string, unknown>
  const details = Object.entries(rest).map(([key, value]) => `${key}=${JSON.stringify(value)}`)
  const stack = (err as { stack?: string } | undefined)?.stack
  const head = `${String(time).slice(11, 19)} ${String(level).padEnd(5)} ${String(name)}: ${typeof msg === 'string' ? msg : ''}`
  return `${[head, ...details].join(' ')}\n${stack === undefined ? '' : `${stack}\n`}`
}
