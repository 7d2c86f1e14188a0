/** The environment, read once. */
import { type Static, Type } from 'typebox'
import { Value } from 'typebox/value'
import { type RekorConfig, rekorConfig, rekorVariables } from './rekor-config.ts'

const port = Type.Integer({ minimum: 0, maximum: 65535 })

const Environment = Type.Object({
  LOG_FACE: Type.Union([Type.Literal('rekor-v1'), Type.Literal('ct')]),
  HOST: Type.String({ default: '127.0.0.1', minLength: 1 }),
  PORT: Type.Optional(port),
  METRICS_PORT: Type.Optional(port),
  /** The name clients know the log by: no port, no path. */
  LOG_HOSTNAME: Type.String({ pattern: '^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$' }),
  DATABASE_URL: Type.String({ minLength: 1 }),
  DATABASE_CONNECTIONS: Type.Integer({ default: 10, minimum: 2, maximum: 1000 }),
  /** Path of the encrypted key file, made when there is none; or the URI of a key kept elsewhere. */
  LOG_KEY: Type.String({ minLength: 1 }),
  /** Folder of the keys of later shards; that of the file LOG_KEY where it is not set. */
  LOG_KEYS: Type.Optional(Type.String({ minLength: 1 })),
  /** A signature that takes longer is answered as 503. */
  LOG_SIGN_TIMEOUT_MS: Type.Optional(Type.Integer({ minimum: 100, maximum: 60_000 })),
  QUEUE_LIMIT: Type.Integer({ default: 10_000, minimum: 1, maximum: 1_000_000 }),
  BODY_LIMIT: Type.Optional(Type.Integer({ minimum: 1024, maximum: 1_073_741_824 })),
  LOG_LEVEL: Type.String({ default: 'info', pattern: '^(fatal|error|warn|info|debug|trace|silent)$' }),
  /** Addresses and ranges of proxies whose X-Forwarded-For is believed, with commas between. */
  LOG_TRUST_PROXY: Type.String({ default: '', pattern: '^[0-9a-fA-F.:/, ]*$' }),
  ...rekorVariables,
  CT_PREFIX: Type.String({ default: '', pattern: '^(/[A-Za-z0-9._-]+)*$' }),
  CT_ROOTS_FILE: Type.Optional(Type.String({ minLength: 1 })),
  CT_ROOTS_URL: Type.Optional(Type.String({ pattern: '^https?://' })),
  /** Dotted OIDs with commas between; empty takes any leaf. */
  CT_EXTENDED_KEY_USAGES: Type.String({ default: '1.3.6.1.5.5.7.3.3', pattern: '^([0-9.]+(,[0-9.]+)*)?$' }),
})

export type FaceConfig =
  | ({ readonly face: 'rekor-v1' } & RekorConfig)
  | {
      readonly face: 'ct'
      /** Before `/ct/v1`, such as `/2026`; mostly empty. */
      readonly prefix: string
      readonly roots: { readonly file: string } | { readonly url: string }
      /** Dotted OIDs. */
      readonly extendedKeyUsages: readonly string[]
    }

export type LogConfig = {
  readonly face: FaceConfig
  readonly host: string
  readonly port: number
  readonly metricsPort?: number
  readonly hostname: string
  readonly databaseUrl: string
  readonly databaseConnections: number
  /** A path, or the URI of a key kept elsewhere. */
  readonly keyLocation: string
  /** Of key files, and the PIN of a token whose URI names none; empty where neither is needed. */
  readonly keyPassword: string
  /** Where the keys of later shards lie; beside the first one's file where it is not set. */
  readonly keysFolder?: string
  /** The longest wait for a signature; default 2,000. */
  readonly signTimeoutMs?: number
  readonly queueLimit: number
  readonly bodyLimitBytes: number
  /** Addresses and ranges of proxies that may speak for clients; none when left out. */
  readonly trustedProxies?: readonly string[]
  readonly logLevel: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent'
}

const defaults = {
  'rekor-v1': { port: 3000, bodyLimitBytes: 33_554_432 },
  ct: { port: 6962, bodyLimitBytes: 524_288 },
} as const

/**
 * The only reader of the environment; the key's password comes apart, since it may lie in a file. Throws one error that
 * names every bad variable.
 */
export function readConfig(environment: NodeJS.ProcessEnv, keyPassword: string): LogConfig {
  const candidate: unknown = Value.Convert(Environment, Value.Default(Environment, { ...environment }))
  if (!Value.Check(Environment, candidate)) {
    const complaints = Value.Errors(Environment, candidate).map(complaintOf)
    throw new Error(`bad configuration: ${[...new Set(complaints)].join('; ')}`)
  }
  const trustedProxies = candidate.LOG_TRUST_PROXY.split(',')
    .map((range) => range.trim())
    .filter((range) => range !== '')
  const { port, bodyLimitBytes } = defaults[candidate.LOG_FACE]
  return {
    face: candidate.LOG_FACE === 'ct' ? ctConfig(candidate) : { face: 'rekor-v1', ...rekorConfig(candidate) },
    host: candidate.HOST,
    port: candidate.PORT ?? port,
    ...(candidate.METRICS_PORT === undefined ? {} : { metricsPort: candidate.METRICS_PORT }),
    hostname: candidate.LOG_HOSTNAME,
    databaseUrl: candidate.DATABASE_URL,
    databaseConnections: candidate.DATABASE_CONNECTIONS,
    keyLocation: candidate.LOG_KEY,
    keyPassword,
    ...(candidate.LOG_KEYS === undefined ? {} : { keysFolder: candidate.LOG_KEYS }),
    ...(candidate.LOG_SIGN_TIMEOUT_MS === undefined ? {} : { signTimeoutMs: candidate.LOG_SIGN_TIMEOUT_MS }),
    queueLimit: candidate.QUEUE_LIMIT,
    bodyLimitBytes: candidate.BODY_LIMIT ?? bodyLimitBytes,
    ...(trustedProxies.length > 0 && { trustedProxies }),
    logLevel: candidate.LOG_LEVEL as LogConfig['logLevel'],
  }
}

function ctConfig(environment: Static<typeof Environment>): FaceConfig {
  const { CT_ROOTS_FILE: file, CT_ROOTS_URL: url, CT_PREFIX: prefix } = environment
  if ((file === undefined) === (url === undefined)) {
    throw new Error('bad configuration: set either CT_ROOTS_FILE or CT_ROOTS_URL for the accepted roots')
  }
  const extendedKeyUsages = environment.CT_EXTENDED_KEY_USAGES.split(',').filter((oid) => oid !== '')
  const roots = file === undefined ? { url: url ?? '' } : { file }
  return { face: 'ct', prefix, roots, extendedKeyUsages }
}

function complaintOf(error: { instancePath: string; message: string; params?: unknown }): string {
  const missing = (error.params as { requiredProperties?: readonly string[] } | undefined)?.requiredProperties
  if (missing !== undefined) return missing.map((name) => `${name} is missing`).join('; ')
  return `${error.instancePath.slice(1)} ${error.message}`.trim()
}
