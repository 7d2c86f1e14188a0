import { parseRangeList } from '@sigstack/limits/addresses'
import {
  collectComplaints,
  type Environment,
  type InsideDoor,
  isLoopback,
  type LogLevel,
  listOf,
  logLevelVariable,
  pathVariable,
  portVariable,
  readEnvironment,
  SettingsError,
  secret,
  type TlsFiles,
  tlsFilesOf,
  tokenVariable,
  urlVariable,
} from '@sigstack/server'
import { type Static, Type } from 'typebox'
import type { MailOptions } from './telling/mail.ts'

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
  /** Where the keys of logs are, but for those in the list; a URL or a path. */
  readonly trustedRoot: string | undefined
  /** Of a TUF repository, whose metadata expire. */
  readonly tufUrl: string | undefined
  /** Between two looks at a log that is not behind. */
  readonly intervalMs: number
  /** Of the time of the process, for reading entries: 1 takes all that there is. */
  readonly readShare: number
  /** What passes by itself is an alarm when it has lasted this long. */
  readonly alarmAfterMs: number
  readonly clockDriftMs: number
  /** Of heads that are older than this, some are forgotten. */
  readonly headsDays: number
  /** Closed alarms that are older than this are forgotten, and findings. */
  readonly alarmsDays: number
  /** Trust material that ends earlier than this from now is an alarm. */
  readonly expiryMs: number
  readonly webhook: { readonly url: string; readonly secret: string | undefined } | undefined
  readonly mail: MailOptions | undefined
  readonly tls?: TlsFiles
  /** For others in this process. */
  readonly inside?: InsideDoor
  /** Undefined: `/metrics` is served beside the API. */
  readonly metricsPort?: number
  readonly trustedProxies?: readonly string[]
}

const address = /^[^@\s<>,;]+@[^@\s<>,;]+$/
const mailAddress = () =>
  Type.String({ pattern: address.source, maxLength: 254, description: 'an e-mail address' })

export const variables = Type.Object({
  MONITOR_HOST: Type.String({ default: '127.0.0.1', minLength: 1 }),
  MONITOR_PORT: portVariable({ default: 7390 }),
  MONITOR_TOKEN: Type.Optional(tokenVariable()),
  MONITOR_LOGS_FILE: pathVariable(),
  MONITOR_WATCHES_FILE: Type.Optional(pathVariable()),
  MONITOR_TRUSTED_ROOT_URL: Type.Optional(urlVariable()),
  MONITOR_TRUSTED_ROOT_FILE: Type.Optional(pathVariable()),
  MONITOR_TUF_URL: Type.Optional(urlVariable()),
  MONITOR_READ_SHARE_PERCENT: Type.Integer({ default: 100, minimum: 1, maximum: 100 }),
  MONITOR_ALARM_AFTER_SECONDS: Type.Integer({ default: 300, minimum: 0, maximum: 86_400 }),
  MONITOR_CLOCK_DRIFT_SECONDS: Type.Integer({ default: 60, minimum: 5, maximum: 86_400 }),
  MONITOR_HEADS_DAYS: Type.Integer({ default: 30, minimum: 1, maximum: 36_500 }),
  MONITOR_ALARMS_DAYS: Type.Integer({ default: 365, minimum: 1, maximum: 36_500 }),
  MONITOR_EXPIRY_DAYS: Type.Integer({ default: 30, minimum: 1, maximum: 3_650 }),
  MONITOR_WEBHOOK_URL: Type.Optional(
    secret(
      Type.String({
        pattern: '^https?://[^\\s#]+$',
        maxLength: 2048,
        description: 'an http or https URL',
      }),
    ),
  ),
  MONITOR_WEBHOOK_SECRET: Type.Optional(secret(Type.String({ minLength: 16, maxLength: 4096 }))),
  MONITOR_MAIL_URL: Type.Optional(
    secret(
      Type.String({ pattern: '^smtps?://[^\\s]+$', maxLength: 2048, description: 'an smtp or smtps URL' }),
    ),
  ),
  MONITOR_MAIL_FROM: Type.Optional(mailAddress()),
  MONITOR_MAIL_TO: Type.String({ default: '', maxLength: 4096 }),
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
  const mail = attempt(() => readMail(candidate))
  const { MONITOR_TRUSTED_ROOT_URL: rootUrl, MONITOR_TRUSTED_ROOT_FILE: rootFile } = candidate
  attempt(() => {
    if (rootUrl !== undefined && rootFile !== undefined)
      throw new SettingsError(['MONITOR_TRUSTED_ROOT_URL and MONITOR_TRUSTED_ROOT_FILE: set one of them'])
  })
  throwAny()
  const { MONITOR_WEBHOOK_URL: webhookUrl } = candidate
  return {
    host,
    port: candidate.MONITOR_PORT,
    logLevel: candidate.LOG_LEVEL,
    token,
    logsFile: candidate.MONITOR_LOGS_FILE,
    watchesFile: candidate.MONITOR_WATCHES_FILE,
    databaseUrl: candidate.DATABASE_URL,
    databaseConnections: candidate.MONITOR_DATABASE_CONNECTIONS,
    trustedRoot: rootUrl ?? rootFile,
    tufUrl: candidate.MONITOR_TUF_URL,
    intervalMs: candidate.MONITOR_INTERVAL_SECONDS * 1000,
    readShare: candidate.MONITOR_READ_SHARE_PERCENT / 100,
    alarmAfterMs: candidate.MONITOR_ALARM_AFTER_SECONDS * 1000,
    clockDriftMs: candidate.MONITOR_CLOCK_DRIFT_SECONDS * 1000,
    headsDays: candidate.MONITOR_HEADS_DAYS,
    alarmsDays: candidate.MONITOR_ALARMS_DAYS,
    expiryMs: candidate.MONITOR_EXPIRY_DAYS * 86_400_000,
    webhook:
      webhookUrl === undefined ? undefined : { url: webhookUrl, secret: candidate.MONITOR_WEBHOOK_SECRET },
    mail,
    ...(tls !== undefined && { tls }),
    ...(candidate.MONITOR_METRICS_PORT !== undefined && { metricsPort: candidate.MONITOR_METRICS_PORT }),
    ...(trustedProxies !== undefined && trustedProxies.length > 0 && { trustedProxies }),
  }
}

/** Undefined where no mail is sent. Throws a `SettingsError`. */
function readMail(candidate: Static<typeof variables>): Config['mail'] {
  const { MONITOR_MAIL_URL: url, MONITOR_MAIL_FROM: from } = candidate
  const to = listOf(candidate.MONITOR_MAIL_TO)
  if (url === undefined && from === undefined && to.length === 0) return undefined
  if (url === undefined || from === undefined || to.length === 0)
    throw new SettingsError(['MONITOR_MAIL_URL, MONITOR_MAIL_FROM and MONITOR_MAIL_TO belong together'])
  if (!to.every((text) => address.test(text)))
    throw new SettingsError(['MONITOR_MAIL_TO must list e-mail addresses with commas between'])
  const server = URL.parse(url)
  if (server === null) throw new SettingsError(['MONITOR_MAIL_URL must be an smtp or smtps URL'])
  // Who stands before another machine can take STARTTLS out of what the server offers, and read the password (RFC 8314 section 4.1).
  return { url, needsTls: server.username !== '' && !isLoopback(server.hostname), from, to }
}
