import { parseRangeList } from '@sigstack/limits'
import {
  collectComplaints,
  type Environment,
  type InsideDoor,
  type LogLevel,
  logLevelVariable,
  pathVariable,
  portVariable,
  readEnvironment,
  secret,
  type TlsFiles,
  tlsFilesOf,
} from '@sigstack/server'
import { Type } from 'typebox'

export type Config = {
  readonly host: string
  readonly port: number
  readonly logLevel: LogLevel
  /** In its signature lines: a URL without scheme. */
  readonly name: string
  /** Where its keys lie, made on first start. */
  readonly dataFolder: string
  readonly keyPassword: string
  /** Whether it cosigns with ML-DSA-44 beside Ed25519. */
  readonly mlDsa: boolean
  /** In the signature lines of its mirror; undefined where it keeps no copies. */
  readonly mirrorName?: string
  /** The list of logs, read again when it changes. */
  readonly logsFile: string
  readonly databaseUrl: string
  readonly databaseConnections: number
  readonly bodyLimitBytes: number
  readonly pendingLimit: number
  /** Serves HTTPS with these, which are read again when they change. */
  readonly tls?: TlsFiles
  /** For others in this process. */
  readonly inside?: InsideDoor
  /** Undefined: `/metrics` is served beside the API. */
  readonly metricsPort?: number
  /** Addresses and ranges of proxies whose `X-Forwarded-For` is believed. */
  readonly trustedProxies?: readonly string[]
}

const cosignerName = {
  pattern: '^[A-Za-z0-9][A-Za-z0-9._~:/-]{0,254}$',
  description: 'a URL without scheme, of at most 255 characters',
}

export const variables = Type.Object({
  WITNESS_HOST: Type.String({ default: '127.0.0.1', minLength: 1 }),
  WITNESS_PORT: portVariable({ default: 7380 }),
  WITNESS_NAME: Type.String(cosignerName),
  WITNESS_MIRROR_NAME: Type.Optional(Type.String(cosignerName)),
  WITNESS_DATA: pathVariable({ default: './witness-data' }),
  WITNESS_KEY_PASSWORD: secret(Type.String({ minLength: 1, maxLength: 4096 })),
  WITNESS_ML_DSA: Type.Union([Type.Literal('0'), Type.Literal('1')], { default: '1' }),
  WITNESS_LOGS_FILE: pathVariable(),
  WITNESS_DATABASE_CONNECTIONS: Type.Integer({ default: 5, minimum: 1, maximum: 1000 }),
  WITNESS_BODY_LIMIT_BYTES: Type.Integer({ default: 131_072, minimum: 4096, maximum: 1_048_576 }),
  WITNESS_PENDING_LIMIT: Type.Integer({ default: 256, minimum: 1, maximum: 10_000 }),
  WITNESS_TLS_CERTIFICATE_FILE: Type.Optional(pathVariable()),
  WITNESS_TLS_KEY_FILE: Type.Optional(pathVariable()),
  WITNESS_METRICS_PORT: Type.Optional(portVariable()),
  WITNESS_TRUSTED_PROXIES: Type.String({ default: '', maxLength: 10_000 }),
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
    tlsFilesOf('WITNESS', candidate.WITNESS_TLS_CERTIFICATE_FILE, candidate.WITNESS_TLS_KEY_FILE),
  )
  const trustedProxies = attempt(() =>
    parseRangeList(candidate.WITNESS_TRUSTED_PROXIES, 'WITNESS_TRUSTED_PROXIES'),
  )
  attempt(() => {
    if (candidate.WITNESS_MIRROR_NAME === candidate.WITNESS_NAME)
      throw new Error('WITNESS_MIRROR_NAME must not be WITNESS_NAME: a mirror is another cosigner')
  })
  throwAny()
  return {
    host: candidate.WITNESS_HOST,
    port: candidate.WITNESS_PORT,
    logLevel: candidate.LOG_LEVEL,
    name: candidate.WITNESS_NAME,
    dataFolder: candidate.WITNESS_DATA,
    keyPassword: candidate.WITNESS_KEY_PASSWORD,
    mlDsa: candidate.WITNESS_ML_DSA === '1',
    ...(candidate.WITNESS_MIRROR_NAME !== undefined && { mirrorName: candidate.WITNESS_MIRROR_NAME }),
    logsFile: candidate.WITNESS_LOGS_FILE,
    databaseUrl: candidate.DATABASE_URL,
    databaseConnections: candidate.WITNESS_DATABASE_CONNECTIONS,
    bodyLimitBytes: candidate.WITNESS_BODY_LIMIT_BYTES,
    pendingLimit: candidate.WITNESS_PENDING_LIMIT,
    ...(tls !== undefined && { tls }),
    ...(candidate.WITNESS_METRICS_PORT !== undefined && { metricsPort: candidate.WITNESS_METRICS_PORT }),
    ...(trustedProxies !== undefined && trustedProxies.length > 0 && { trustedProxies }),
  }
}
