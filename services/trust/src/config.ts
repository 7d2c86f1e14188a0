import { join } from 'node:path'
import { type LogLevel, readSecret } from '@sigstack/server'
import type { Lifetimes } from '@sigstack/tuf'
import { type Static, Type } from 'typebox'
import { Value } from 'typebox/value'

/** Where a key comes from: the service itself, or a PEM file that the operator vouches for. */
export type KeySource = { readonly url: string } | { readonly file: string }

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
  /** Folder of the published files. What was published stays published, so it must be kept. */
  readonly dataDirectory: string
  /** As clients reach the services; these go into the files. Without a slash at the end. */
  readonly publicUrls: {
    readonly ca: string
    readonly rekor: string
    /** Undefined: there is no CT log, by the explicit word `none`. */
    readonly ct: string | undefined
    readonly oidcIssuer: string
  }
  readonly sources: { readonly ca: KeySource; readonly rekor: KeySource; readonly ct: KeySource | undefined }
  /** Who runs the services, in the signing config. */
  readonly operator: string
  readonly refreshSeconds: number
  /** How long before it was first seen a key counts as valid, and how long after it was last seen. */
  readonly marginSeconds: number
  /** Where set: the validity of new log keys and authorities starts here. */
  readonly keysValidFrom?: Date
  /** Undefined: only plain files are published. */
  readonly tuf?: TufConfig
}

export const defaultLifetimes: Lifetimes = { metadataSeconds: 365 * 86_400, timestampSeconds: 7 * 86_400 }

const Url = Type.String({ pattern: '^https?://[^\\s?#]+$', maxLength: 2048 })
const OptionalUrl = Type.Optional(Url)
const OptionalPath = Type.Optional(Type.String({ minLength: 1, maxLength: 4096 }))

const Environment = Type.Object({
  TRUST_HOST: Type.String({ default: '127.0.0.1', minLength: 1 }),
  TRUST_PORT: Type.Integer({ default: 5559, minimum: 0, maximum: 65_535 }),
  LOG_LEVEL: Type.Enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], { default: 'info' }),
  TRUST_DATA: Type.String({ default: './.sigstack/trust', minLength: 1 }),
  PUBLIC_CA_URL: Url,
  PUBLIC_REKOR_URL: Url,
  PUBLIC_CT_URL: Type.Union([Url, Type.Literal('none')]),
  PUBLIC_OIDC_ISSUER: Url,
  CA_URL: OptionalUrl,
  REKOR_URL: OptionalUrl,
  CT_URL: OptionalUrl,
  CA_CERTIFICATES_FILE: OptionalPath,
  REKOR_PUBLIC_KEY_FILE: OptionalPath,
  CT_PUBLIC_KEY_FILE: OptionalPath,
  TRUST_OPERATOR: Type.Optional(Type.String({ minLength: 1, maxLength: 253 })),
  TRUST_REFRESH_SECONDS: Type.Integer({ default: 60, minimum: 1, maximum: 86_400 }),
  TRUST_MARGIN_SECONDS: Type.Integer({ default: 3600, minimum: 0, maximum: 30 * 86_400 }),
  TRUST_KEYS_VALID_FROM: Type.Optional(
    Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}Z$' }),
  ),
  TUF_ONLINE_KEY_FILE: OptionalPath,
  TUF_ROOT_KEY_FILES: OptionalPath,
  TUF_FORMER_ROOT_KEY_FILES: Type.String({ default: '', maxLength: 4096 }),
  TUF_ROOT_THRESHOLD: Type.Integer({ default: 1, minimum: 1, maximum: 16 }),
  TUF_METADATA_DAYS: Type.Integer({ default: 365, minimum: 2, maximum: 3650 }),
  TUF_TIMESTAMP_DAYS: Type.Integer({ default: 7, minimum: 1, maximum: 3650 }),
})

/** The only reader of the environment. Throws one error that names every bad variable. */
export function readConfig(environment: NodeJS.ProcessEnv): Config {
  const candidate = Value.Convert(Environment, Value.Default(Environment, { ...environment }))
  if (!Value.Check(Environment, candidate)) {
    const complaints = Value.Errors(Environment, candidate).map((error) =>
      `${error.instancePath.slice(1)} ${error.message}`.trim(),
    )
    throw new Error(`bad configuration: ${complaints.join('; ')}`)
  }
  const publicUrls = {
    ca: withoutSlash(candidate.PUBLIC_CA_URL),
    rekor: withoutSlash(candidate.PUBLIC_REKOR_URL),
    ct: candidate.PUBLIC_CT_URL === 'none' ? undefined : withoutSlash(candidate.PUBLIC_CT_URL),
    // Issuers are compared byte for byte, so a slash at the end stays.
    oidcIssuer: candidate.PUBLIC_OIDC_ISSUER,
  }
  const source = (file: string | undefined, url: string | undefined, publicUrl: string): KeySource =>
    file === undefined ? { url: withoutSlash(url ?? publicUrl) } : { file }
  const keysValidFrom = candidate.TRUST_KEYS_VALID_FROM
  const tufPassword = readSecret(environment, 'TUF_KEY_PASSWORD')
  return {
    host: candidate.TRUST_HOST,
    port: candidate.TRUST_PORT,
    logLevel: candidate.LOG_LEVEL,
    dataDirectory: candidate.TRUST_DATA,
    publicUrls,
    sources: {
      ca: source(candidate.CA_CERTIFICATES_FILE, candidate.CA_URL, publicUrls.ca),
      rekor: source(candidate.REKOR_PUBLIC_KEY_FILE, candidate.REKOR_URL, publicUrls.rekor),
      ct:
        publicUrls.ct === undefined
          ? undefined
          : source(candidate.CT_PUBLIC_KEY_FILE, candidate.CT_URL, publicUrls.ct),
    },
    operator: candidate.TRUST_OPERATOR ?? new URL(publicUrls.ca).hostname,
    refreshSeconds: candidate.TRUST_REFRESH_SECONDS,
    marginSeconds: candidate.TRUST_MARGIN_SECONDS,
    ...(keysValidFrom !== undefined && { keysValidFrom: new Date(keysValidFrom) }),
    ...(tufPassword !== undefined && { tuf: tufConfig(candidate, tufPassword) }),
  }
}

function tufConfig(environment: Static<typeof Environment>, keyPassword: string): TufConfig {
  const keys = join(environment.TRUST_DATA, 'tuf-keys')
  const rootKeys = environment.TUF_ROOT_KEY_FILES ?? join(keys, 'root.key.pem')
  return {
    onlineKeyFile: environment.TUF_ONLINE_KEY_FILE ?? join(keys, 'online.key.pem'),
    rootKeyFiles: rootKeys === 'none' ? undefined : listed(rootKeys),
    formerRootKeyFiles: listed(environment.TUF_FORMER_ROOT_KEY_FILES),
    rootThreshold: environment.TUF_ROOT_THRESHOLD,
    keyPassword,
    lifetimes: {
      metadataSeconds: environment.TUF_METADATA_DAYS * 86_400,
      timestampSeconds: environment.TUF_TIMESTAMP_DAYS * 86_400,
    },
  }
}

function listed(paths: string): readonly string[] {
  return paths
    .split(',')
    .map((path) => path.trim())
    .filter((path) => path !== '')
}

function withoutSlash(url: string): string {
  return url.replace(/\/+$/, '')
}
