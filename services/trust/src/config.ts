import { join } from 'node:path'
import { withoutEnd } from '@sigstack/crypto'
import {
  type Environment,
  type InsideDoor,
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
  urlVariable,
} from '@sigstack/server'
import type { Lifetimes } from '@sigstack/tuf'
import { type Static, Type } from 'typebox'
import type { KeySource } from './collection/read-source.ts'
import { type ServiceKind, serviceKinds, serviceVariables } from './service-kinds.ts'

/** By the version of its API. */
export type SigningLog = 'v1' | 'v2'

/** A service whose keys are published. */
export type Service = {
  readonly kind: ServiceKind
  /** The version of its API, for the signing config. */
  readonly apiVersion: number
  /** As clients reach it; this goes into the files. Without a slash at the end. */
  readonly url: string
  readonly keys: KeySource
}

/** Key files are encrypted with one password, and made where they are missing. */
export type TufConfig = {
  /** Signs targets, snapshot and timestamp. */
  readonly onlineKeyFile: string
  /** Undefined: the root keys are not here, and the root stays as it is. */
  readonly rootKeyFiles: readonly string[] | undefined
  /** Root keys that are being replaced. */
  readonly formerRootKeyFiles: readonly string[]
  readonly rootThreshold: number
  readonly keyPassword: string
  readonly lifetimes: Lifetimes
}

export type Config = {
  readonly host: string
  readonly port: number
  readonly logLevel: LogLevel
  /** Serves HTTPS with these, which are read again when they change. */
  readonly tls?: TlsFiles
  /** For others in this process. */
  readonly inside?: InsideDoor
  /** Folder of the published files. What was published stays published, so it must be kept. */
  readonly dataDirectory: string
  readonly services: readonly Service[]
  /** As clients reach it, byte for byte. */
  readonly oidcIssuer: string
  /** Who runs the services, in the signing config. */
  readonly operator: string
  /** Which Rekor log the signing config sends clients to, where there is one of each version; default the first. */
  readonly signingLog?: SigningLog
  readonly refreshSeconds: number
  /** How long before it was first seen a key counts as valid, and how long after it was last seen. */
  readonly marginSeconds: number
  /** Where set: the validity of new log keys and authorities starts here. */
  readonly keysValidFrom?: Date
  /** Undefined: only plain files are published. */
  readonly tuf?: TufConfig
}

export const defaultLifetimes: Lifetimes = { metadataSeconds: 365 * 86_400, timestampSeconds: 7 * 86_400 }

const OptionalPath = Type.Optional(pathVariable())

export const variables = Type.Object({
  TRUST_HOST: Type.String({ default: '127.0.0.1', minLength: 1 }),
  TRUST_PORT: portVariable({ default: 5559 }),
  TRUST_TLS_CERTIFICATE_FILE: OptionalPath,
  TRUST_TLS_KEY_FILE: OptionalPath,
  LOG_LEVEL: logLevelVariable,
  TRUST_DATA: pathVariable({ default: './.sigstack/trust' }),
  ...serviceVariables,
  PUBLIC_OIDC_ISSUER: urlVariable(),
  TRUST_OPERATOR: Type.Optional(Type.String({ minLength: 1, maxLength: 253 })),
  TRUST_SIGNING_LOG: Type.Optional(Type.Union([Type.Literal('v1'), Type.Literal('v2')])),
  TRUST_REFRESH_SECONDS: Type.Integer({ default: 60, minimum: 1, maximum: 86_400 }),
  TRUST_MARGIN_SECONDS: Type.Integer({ default: 3600, minimum: 0, maximum: 30 * 86_400 }),
  TRUST_KEYS_VALID_FROM: Type.Optional(
    Type.String({
      pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}Z$',
      description: 'a time such as 2026-01-31T00:00:00Z',
    }),
  ),
  /** Where it is set, a TUF repository is published. */
  TUF_KEY_PASSWORD: Type.Optional(secret(Type.String({ maxLength: 4096 }))),
  TUF_ONLINE_KEY_FILE: OptionalPath,
  TUF_ROOT_KEY_FILES: OptionalPath,
  TUF_FORMER_ROOT_KEY_FILES: Type.String({ default: '', maxLength: 4096 }),
  TUF_ROOT_THRESHOLD: Type.Integer({ default: 1, minimum: 1, maximum: 16 }),
  TUF_METADATA_DAYS: Type.Integer({ default: 365, minimum: 2, maximum: 3650 }),
  TUF_TIMESTAMP_DAYS: Type.Integer({ default: 7, minimum: 1, maximum: 3650 }),
})

/** The only reader of the environment. Throws one error that names every bad variable. */
export function readConfig(environment: Environment): Config {
  const candidate = readEnvironment(environment, variables)
  const keysValidFrom = candidate.TRUST_KEYS_VALID_FROM
  const tls = tlsFilesOf('TRUST', candidate.TRUST_TLS_CERTIFICATE_FILE, candidate.TRUST_TLS_KEY_FILE)
  const tufPassword = candidate.TUF_KEY_PASSWORD
  const services = servicesOf(candidate)
  const signingLog = signingLogOf(candidate.TRUST_SIGNING_LOG, services)
  return {
    host: candidate.TRUST_HOST,
    port: candidate.TRUST_PORT,
    logLevel: candidate.LOG_LEVEL,
    ...(tls !== undefined && { tls }),
    dataDirectory: candidate.TRUST_DATA,
    services,
    // Issuers are compared byte for byte, so a slash at the end stays.
    oidcIssuer: candidate.PUBLIC_OIDC_ISSUER,
    operator: candidate.TRUST_OPERATOR ?? new URL(candidate.PUBLIC_CA_URL).hostname,
    signingLog,
    refreshSeconds: candidate.TRUST_REFRESH_SECONDS,
    marginSeconds: candidate.TRUST_MARGIN_SECONDS,
    ...(keysValidFrom !== undefined && { keysValidFrom: new Date(keysValidFrom) }),
    ...(tufPassword !== undefined && { tuf: tufConfig(candidate, tufPassword) }),
  }
}

/** Nobody should believe that clients are sent where no log is, or where keyless signatures have no time. */
function signingLogOf(asked: SigningLog | undefined, services: readonly Service[]): SigningLog {
  const has = (wanted: ServiceKind) => services.some(({ kind }) => kind === wanted)
  const signingLog = asked ?? (has('rekor') ? 'v1' : 'v2')
  const needed: readonly (readonly [ServiceKind, string])[] =
    signingLog === 'v1'
      ? [['rekor', 'PUBLIC_REKOR_URL']]
      : [
          ['rekorV2', 'PUBLIC_REKOR_V2_URL'],
          ['tsa', 'PUBLIC_TSA_URL'],
        ]
  const missing = needed.filter(([kind]) => !has(kind)).map(([, name]) => name)
  if (missing.length === 0) return signingLog
  const by = asked === undefined ? 'PUBLIC_REKOR_URL=none' : `TRUST_SIGNING_LOG=${asked}`
  throw new SettingsError([
    `${by} sends clients to a log of Rekor ${signingLog}, which needs ${missing.join(' and ')}`,
  ])
}

/** Those that have a public URL; the word `none` says that there is no such service. */
function servicesOf(environment: Static<typeof variables>): readonly Service[] {
  return (Object.keys(serviceKinds) as ServiceKind[]).flatMap((kind) => {
    const { apiVersion, path = '', variables: names } = serviceKinds[kind]
    const url = environment[names.publicUrl]
    if (url === undefined || url === 'none') return []
    const file = environment[names.file]
    const keys = file === undefined ? { url: withoutSlash(environment[names.url] ?? url) } : { file }
    const published = withoutSlash(url)
    return [{ kind, apiVersion, url: published.endsWith(path) ? published : `${published}${path}`, keys }]
  })
}

function tufConfig(environment: Static<typeof variables>, keyPassword: string): TufConfig {
  const keys = join(environment.TRUST_DATA, 'tuf-keys')
  const rootKeys = environment.TUF_ROOT_KEY_FILES ?? join(keys, 'root.key.pem')
  return {
    onlineKeyFile: environment.TUF_ONLINE_KEY_FILE ?? join(keys, 'online.key.pem'),
    rootKeyFiles: rootKeys === 'none' ? undefined : listOf(rootKeys),
    formerRootKeyFiles: listOf(environment.TUF_FORMER_ROOT_KEY_FILES),
    rootThreshold: environment.TUF_ROOT_THRESHOLD,
    keyPassword,
    lifetimes: {
      metadataSeconds: environment.TUF_METADATA_DAYS * 86_400,
      timestampSeconds: environment.TUF_TIMESTAMP_DAYS * 86_400,
    },
  }
}

function withoutSlash(url: string): string {
  return withoutEnd(url, '/')
}
