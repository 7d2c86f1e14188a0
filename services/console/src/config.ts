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

export type Config = {
  readonly host: string
  readonly port: number
  readonly logLevel: LogLevel
  /** On every page. */
  readonly title: string
  readonly urls: ServiceUrls
  /** Of the monitor, where it asks for one. */
  readonly monitorToken?: string
  /** In place of what the trust service publishes. */
  readonly trustedRootFile?: string
  readonly access: Access
  /** E-mail addresses, and bytes that hold them, are for operators alone. */
  readonly hidesAddresses: boolean
  /** Of the newest certificates that the search knows; 0: none. */
  readonly searchedCertificates: number
  /** Live tails open at once, in all and of one network. */
  readonly tailLimit: number
  readonly tailLimitEach: number
  /** Serves HTTPS with these, which are read again when they change. */
  readonly tls?: TlsFiles
  /** For others in this process. */
  readonly inside?: InsideDoor
  /** Undefined: `/metrics` is served beside the pages. */
  readonly metricsPort?: number
  /** Addresses and ranges of proxies whose headers are believed. */
  readonly trustedProxies?: readonly string[]
}

/** Where the console asks. One of the logs is needed. */
export type ServiceUrls = {
  readonly rekor?: string
  readonly rekorV2?: string
  readonly ct?: string
  readonly ca?: string
  readonly tsa?: string
  readonly trust?: string
  readonly oidcProxy?: string
  readonly witness?: string
  readonly monitor?: string
}

/** Who reads. */
export type Access =
  | { readonly mode: 'open' }
  /** Who is not named by the proxy gets nothing; those on the list are operators. */
  | { readonly mode: 'header'; readonly userHeader: string; readonly operators: readonly string[] }
  /** Who is not signed in at an issuer of that file gets nothing. */
  | {
      readonly mode: 'oidc'
      readonly issuersFile: string
      /** Of this console, as people reach it; without a path. */
      readonly publicUrl: string
      /** Undefined: one of this process. */
      readonly sessionKey?: string
      readonly sessionMinutes: number
    }

const url = Type.Optional(urlVariable())

export const variables = Type.Object({
  CONSOLE_HOST: Type.String({ default: '127.0.0.1', minLength: 1 }),
  CONSOLE_PORT: portVariable({ default: 5560 }),
  CONSOLE_TITLE: Type.String({ default: 'sigstack', minLength: 1, maxLength: 64 }),
  CONSOLE_REKOR_URL: url,
  CONSOLE_REKOR_V2_URL: url,
  CONSOLE_CT_URL: url,
  CONSOLE_CA_URL: url,
  CONSOLE_TSA_URL: url,
  CONSOLE_TRUST_URL: url,
  CONSOLE_OIDC_PROXY_URL: url,
  CONSOLE_WITNESS_URL: url,
  CONSOLE_MONITOR_URL: url,
  CONSOLE_MONITOR_TOKEN: Type.Optional(tokenVariable()),
  CONSOLE_TRUSTED_ROOT_FILE: Type.Optional(pathVariable()),
  CONSOLE_ACCESS: Type.Union([Type.Literal('open'), Type.Literal('header'), Type.Literal('oidc')], {
    default: 'open',
  }),
  CONSOLE_ISSUERS_FILE: Type.Optional(pathVariable()),
  CONSOLE_PUBLIC_URL: url,
  CONSOLE_SESSION_KEY: Type.Optional(secret(Type.String({ minLength: 32, maxLength: 4096 }))),
  CONSOLE_SESSION_MINUTES: Type.Integer({ default: 480, minimum: 1, maximum: 1440 }),
  CONSOLE_USER_HEADER: Type.String({
    default: 'x-forwarded-user',
    pattern: '^[A-Za-z0-9-]{1,64}$',
    description: 'the name of a header',
  }),
  CONSOLE_OPERATORS: Type.String({ default: '', maxLength: 65_536 }),
  CONSOLE_HIDE_ADDRESSES: Type.Union([Type.Literal('0'), Type.Literal('1')], { default: '0' }),
  CONSOLE_SEARCHED_CERTIFICATES: Type.Integer({ default: 100_000, minimum: 0, maximum: 10_000_000 }),
  CONSOLE_TAILS: Type.Integer({ default: 100, minimum: 0, maximum: 10_000 }),
  CONSOLE_TAILS_EACH: Type.Integer({ default: 10, minimum: 1, maximum: 10_000 }),
  CONSOLE_TLS_CERTIFICATE_FILE: Type.Optional(pathVariable()),
  CONSOLE_TLS_KEY_FILE: Type.Optional(pathVariable()),
  CONSOLE_METRICS_PORT: Type.Optional(portVariable()),
  CONSOLE_TRUSTED_PROXIES: Type.String({ default: '', maxLength: 10_000 }),
  LOG_LEVEL: logLevelVariable,
})

/** The only reader of the environment. Throws one error that names every bad variable. */
export function readConfig(environment: Environment): Config {
  const candidate = readEnvironment(environment, variables)
  const { attempt, throwAny } = collectComplaints()
  const tls = attempt(() =>
    tlsFilesOf('CONSOLE', candidate.CONSOLE_TLS_CERTIFICATE_FILE, candidate.CONSOLE_TLS_KEY_FILE),
  )
  const trustedProxies =
    attempt(() => parseRangeList(candidate.CONSOLE_TRUSTED_PROXIES, 'CONSOLE_TRUSTED_PROXIES')) ?? []
  attempt(() => {
    const { CONSOLE_REKOR_URL, CONSOLE_REKOR_V2_URL, CONSOLE_CT_URL } = candidate
    if ((CONSOLE_REKOR_URL ?? CONSOLE_REKOR_V2_URL ?? CONSOLE_CT_URL) === undefined)
      throw new SettingsError([
        'there is no log to show: set CONSOLE_REKOR_URL, CONSOLE_REKOR_V2_URL or CONSOLE_CT_URL',
      ])
  })
  const access = attempt(() => accessOf(candidate, trustedProxies.length > 0))
  throwAny()
  if (access === undefined) throw new Error('nobody can read')
  const { CONSOLE_TRUSTED_ROOT_FILE: trustedRootFile, CONSOLE_METRICS_PORT: metricsPort } = candidate
  const { CONSOLE_MONITOR_TOKEN: monitorToken } = candidate
  return {
    host: candidate.CONSOLE_HOST,
    port: candidate.CONSOLE_PORT,
    logLevel: candidate.LOG_LEVEL,
    title: candidate.CONSOLE_TITLE,
    urls: {
      ...given('rekor', candidate.CONSOLE_REKOR_URL),
      ...given('rekorV2', candidate.CONSOLE_REKOR_V2_URL),
      ...given('ct', candidate.CONSOLE_CT_URL),
      ...given('ca', candidate.CONSOLE_CA_URL),
      ...given('tsa', candidate.CONSOLE_TSA_URL),
      ...given('trust', candidate.CONSOLE_TRUST_URL),
      ...given('oidcProxy', candidate.CONSOLE_OIDC_PROXY_URL),
      ...given('witness', candidate.CONSOLE_WITNESS_URL),
      ...given('monitor', candidate.CONSOLE_MONITOR_URL),
    },
    ...(monitorToken !== undefined && { monitorToken }),
    ...(trustedRootFile !== undefined && { trustedRootFile }),
    access,
    hidesAddresses: candidate.CONSOLE_HIDE_ADDRESSES === '1',
    searchedCertificates: candidate.CONSOLE_SEARCHED_CERTIFICATES,
    tailLimit: candidate.CONSOLE_TAILS,
    tailLimitEach: candidate.CONSOLE_TAILS_EACH,
    ...(tls !== undefined && { tls }),
    ...(metricsPort !== undefined && { metricsPort }),
    ...(trustedProxies.length > 0 && { trustedProxies }),
  }
}

/** Throws a `SettingsError`. */
function accessOf(candidate: Static<typeof variables>, hasProxies: boolean): Access {
  const {
    CONSOLE_ACCESS: mode,
    CONSOLE_ISSUERS_FILE: issuersFile,
    CONSOLE_SESSION_KEY: sessionKey,
  } = candidate
  if (mode === 'open') return { mode }
  if (mode === 'header') {
    if (!hasProxies)
      throw new SettingsError([
        'CONSOLE_ACCESS=header believes a header, so CONSOLE_TRUSTED_PROXIES must name the proxies that set it',
      ])
    const userHeader = candidate.CONSOLE_USER_HEADER.toLowerCase()
    return { mode, userHeader, operators: listOf(candidate.CONSOLE_OPERATORS) }
  }
  const publicUrl = URL.parse(candidate.CONSOLE_PUBLIC_URL ?? '')
  const isSafe = publicUrl?.protocol === 'https:' || isLoopback(publicUrl?.hostname ?? '')
  if (issuersFile === undefined || publicUrl === null)
    throw new SettingsError(['CONSOLE_ACCESS=oidc needs CONSOLE_ISSUERS_FILE and CONSOLE_PUBLIC_URL'])
  if (!isSafe || publicUrl.pathname !== '/' || publicUrl.username !== '')
    throw new SettingsError([
      'CONSOLE_PUBLIC_URL must be https and without a path; http is for this machine alone',
    ])
  return {
    mode,
    issuersFile,
    publicUrl: publicUrl.origin,
    ...(sessionKey !== undefined && { sessionKey }),
    sessionMinutes: candidate.CONSOLE_SESSION_MINUTES,
  }
}

function given<Name extends keyof ServiceUrls>(
  name: Name,
  value: string | undefined,
): { readonly [name in Name]?: string } {
  return value === undefined ? {} : ({ [name]: value } as { readonly [name in Name]: string })
}
