/**
 * Log records: one JSON object a line, or a line for people. No record holds a request body or a header, what is
 * named like a secret is struck out, and so is whatever looks like a JSON Web Token anywhere in the line, since
 * tokens end up in other people's error messages. What comes from outside neither fills a disk nor moves a terminal.
 */
import { writeSync } from 'node:fs'
import { type DestinationStream, type Logger, pino } from 'pino'
import { describeError } from './describe-error.ts'
import { boundedLine, lineForPeople } from './log-line.ts'

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

export function createLogger(options: LoggerOptions): Logger {
  const { name, level = 'info', pretty = false } = options
  return pino(
    {
      name,
      level,
      base: { name },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: {
        err: (error: unknown) => (error instanceof Error ? describeError(error) : error),
        req: describeRequest,
      },
      redact: { paths: SECRET_NAMES.flatMap(pathsTo), censor: '[redacted]' },
      hooks: { streamWrite: (line) => (pretty ? lineForPeople(boundedLine(line)) : boundedLine(line)) },
    },
    options.destination ?? standardOutput(),
  )
}

/** What waits while standard output takes nothing; later records are lost. */
const WAITING_LIMIT_BYTES = 1 << 20

/** A full disk behind standard output loses records, and must not end the service. It is said once, where that goes. */
function standardOutput(): DestinationStream {
  const stream = pino.destination({ fd: 1, sync: true, maxLength: WAITING_LIMIT_BYTES })
  let told = false
  stream.on('error', (error: NodeJS.ErrnoException) => {
    // A reader that went away wants to be told nothing more.
    if (told || error.code === 'EPIPE') return
    told = true
    try {
      writeSync(2, `records are lost: standard output cannot be written to (${error.code})\n`)
    } catch {
      // Then there is nowhere to say it.
    }
  })
  return stream
}

/** What may be known of a request: the query may carry codes and tokens, so it stays out. */
function describeRequest(request: {
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
