/** The environment, read once. */
import { reasonOf } from '@sigstack/crypto'
import { longestBundledEntry } from '@sigstack/merkle'
import {
  type Environment,
  type InsideDoor,
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
import { keyFolderOf } from '@sigstack/signers'
import { Type } from 'typebox'
import { rangesOf } from './admission/limits-config.ts'
import { type FaceConfig, faceConfig, faceDefaults, faceNames, faceVariables } from './faces/settings.ts'
import { type WitnessConfig, witnessConfig, witnessVariables } from './witnesses/config.ts'

export const variables = Type.Object({
  LOG_FACE: faceNames,
  LOG_HOST: Type.String({ default: '127.0.0.1', minLength: 1, formerly: ['HOST'] }),
  LOG_PORT: Type.Optional(portVariable({ formerly: ['PORT'] })),
  LOG_METRICS_PORT: Type.Optional(portVariable({ formerly: ['METRICS_PORT'] })),
  /** The name clients know the log by: no port, no path. */
  LOG_HOSTNAME: Type.String({
    pattern: '^([A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|[0-9A-Fa-f:.]{2,45})$',
    description: 'a host name or an address, without port and path',
  }),
  DATABASE_URL: secret(
    Type.String({ pattern: '^postgres(ql)?://', description: 'a postgresql: URL', maxLength: 4096 }),
  ),
  LOG_DATABASE_CONNECTIONS: Type.Integer({
    default: 10,
    minimum: 2,
    maximum: 1000,
    formerly: ['DATABASE_CONNECTIONS'],
  }),
  /** Beside those: for searches, tiles, proofs and ranges of entries, so that readers do not take those of writers. */
  LOG_READ_CONNECTIONS: Type.Integer({ default: 3, minimum: 1, maximum: 1000 }),
  /** Path of the encrypted key file, made when there is none; or the URI of a key kept elsewhere. */
  LOG_KEY: pathVariable(),
  LOG_KEY_PASSWORD: Type.Optional(secret(Type.String({ maxLength: 4096 }))),
  /** Folder of the keys of later shards; that of the file LOG_KEY where it is not set. */
  LOG_KEYS: Type.Optional(pathVariable()),
  /** Folder of the largest signed head of each shard; that of the key's file, or LOG_KEYS, where it is not set. */
  LOG_SIGNED_HEADS: Type.Optional(pathVariable()),
  /** A signature that takes longer is answered as 503. */
  LOG_SIGN_TIMEOUT_MS: Type.Optional(Type.Integer({ minimum: 100, maximum: 60_000 })),
  LOG_QUEUE_LIMIT: Type.Integer({
    default: 10_000,
    minimum: 1,
    maximum: 1_000_000,
    formerly: ['QUEUE_LIMIT'],
  }),
  LOG_BODY_LIMIT_BYTES: Type.Optional(
    Type.Integer({ minimum: 1024, maximum: 1_073_741_824, formerly: ['BODY_LIMIT'] }),
  ),
  /** Of what is logged, not of the request. */
  LOG_MAX_ENTRY_BYTES: Type.Integer({ default: longestBundledEntry, minimum: 1024, maximum: 33_554_432 }),
  LOG_TLS_CERTIFICATE_FILE: Type.Optional(pathVariable()),
  LOG_TLS_KEY_FILE: Type.Optional(pathVariable()),
  LOG_LEVEL: logLevelVariable,
  /** Addresses and ranges of proxies whose X-Forwarded-For is believed, with commas between. */
  LOG_TRUSTED_PROXIES: Type.String({ default: '', maxLength: 10_000, formerly: ['LOG_TRUST_PROXY'] }),
  ...witnessVariables,
  ...faceVariables,
})

export type LogConfig = {
  readonly face: FaceConfig
  readonly host: string
  readonly port: number
  readonly metricsPort?: number
  readonly hostname: string
  readonly databaseUrl: string
  readonly databaseConnections: number
  /** For what readers ask at length; default 3. */
  readonly readConnections?: number
  /** A path, or the URI of a key kept elsewhere. */
  readonly keyLocation: string
  /** Of key files, and the PIN of a token whose URI names none; empty where neither is needed. */
  readonly keyPassword: string
  /** Where the keys of later shards lie; beside the first one's file where it is not set. */
  readonly keysFolder?: string
  /** Where the largest signed heads are kept; beside the keys where it is not set. */
  readonly signedHeadsFolder?: string
  /** The longest wait for a signature; default 2,000. */
  readonly signTimeoutMs?: number
  /** Others who sign its heads; nobody when left out. */
  readonly witnesses?: WitnessConfig
  /** Of a second key of the log, ML-DSA-44. */
  readonly mlDsaKeyPath?: string
  readonly queueLimit: number
  readonly bodyLimitBytes: number
  /** Larger entries are refused; what entry bundles can hold when left out. */
  readonly entryLimitBytes?: number
  /** Addresses and ranges of proxies that may speak for clients; none when left out. */
  readonly trustedProxies?: readonly string[]
  /** Serves HTTPS with these, which are read again when they change. */
  readonly tls?: TlsFiles
  /** For others in this process. */
  readonly inside?: InsideDoor
  readonly logLevel: LogLevel
}

/**
 * The only reader of the environment. Throws one error that names every bad variable. `keyPassword` is for callers that
 * hold it, and stands in where the environment has none.
 */
export function readConfig(environment: Environment, keyPassword = ''): LogConfig {
  const candidate = readEnvironment(environment, variables)
  if (candidate.LOG_FACE === 'rekor-v1' && candidate.LOG_KEYS === undefined)
    demandKeyFolder(candidate.LOG_KEY)
  const trustedProxies = rangesOf('LOG_TRUSTED_PROXIES', candidate.LOG_TRUSTED_PROXIES)
  const tls = tlsFilesOf('LOG', candidate.LOG_TLS_CERTIFICATE_FILE, candidate.LOG_TLS_KEY_FILE)
  const witnesses = witnessConfig(candidate)
  const { port, bodyLimitBytes } = faceDefaults[candidate.LOG_FACE]
  return {
    face: faceConfig(candidate),
    host: candidate.LOG_HOST,
    port: candidate.LOG_PORT ?? port,
    ...(candidate.LOG_METRICS_PORT === undefined ? {} : { metricsPort: candidate.LOG_METRICS_PORT }),
    hostname: candidate.LOG_HOSTNAME,
    databaseUrl: candidate.DATABASE_URL,
    databaseConnections: candidate.LOG_DATABASE_CONNECTIONS,
    readConnections: candidate.LOG_READ_CONNECTIONS,
    keyLocation: candidate.LOG_KEY,
    keyPassword: candidate.LOG_KEY_PASSWORD ?? keyPassword,
    ...(candidate.LOG_KEYS === undefined ? {} : { keysFolder: candidate.LOG_KEYS }),
    ...(candidate.LOG_SIGNED_HEADS !== undefined && { signedHeadsFolder: candidate.LOG_SIGNED_HEADS }),
    ...(candidate.LOG_SIGN_TIMEOUT_MS === undefined ? {} : { signTimeoutMs: candidate.LOG_SIGN_TIMEOUT_MS }),
    ...(witnesses !== undefined && { witnesses }),
    ...(candidate.LOG_ML_DSA_KEY !== undefined && { mlDsaKeyPath: candidate.LOG_ML_DSA_KEY }),
    queueLimit: candidate.LOG_QUEUE_LIMIT,
    bodyLimitBytes: candidate.LOG_BODY_LIMIT_BYTES ?? bodyLimitBytes,
    entryLimitBytes: candidate.LOG_MAX_ENTRY_BYTES,
    ...(trustedProxies.length > 0 && { trustedProxies }),
    ...(tls !== undefined && { tls }),
    logLevel: candidate.LOG_LEVEL,
  }
}

/** A URI of a file names a folder as a path does; that of any other key names none. */
function demandKeyFolder(keyLocation: string): void {
  let folder: string | undefined
  try {
    folder = keyFolderOf(keyLocation)
  } catch (cause) {
    throw new SettingsError([`LOG_KEY: ${reasonOf(cause)}`], { cause })
  }
  if (folder === undefined)
    throw new SettingsError([
      'LOG_KEYS is missing: LOG_KEY is a URI, which names no folder for the keys of later shards',
    ])
}
