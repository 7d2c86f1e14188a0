import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { type LogLevel, readSecret } from '@sigstack/server'
import { type Static, Type } from 'typebox'
import { Value } from 'typebox/value'
import { isFulcioFormat, linesOfFulcioFormat, parseJsonOrYaml } from './issuers/fulcio-format.ts'
import { type IssuerEntry, isIssuerUrl, isPattern } from './issuers/issuer.ts'
import { type EgressProxy, readEgressProxy } from './upstream/egress.ts'

export type Config = {
  readonly host: string
  readonly port: number
  readonly logLevel: LogLevel
  readonly issuers: readonly IssuerEntry[]
  /** Where `issuers` came from; it is read again when it changes. */
  readonly issuersFile?: {
    readonly path: string
    readonly parse: (text: string) => readonly IssuerEntry[]
  }
  /** Where documents are shared with other replicas; undefined keeps them in memory only. */
  readonly redisUrl?: string
  readonly cacheKeyPrefix: string
  /** What requests to issuers go through; undefined: nothing. */
  readonly egressProxy?: EgressProxy
  readonly freshSeconds: number
  readonly keepSeconds: number
  readonly keyIdRefetchSeconds: number
}

const Environment = Type.Object({
  OIDC_PROXY_HOST: Type.String({ default: '127.0.0.1', minLength: 1 }),
  OIDC_PROXY_PORT: Type.Integer({ default: 5557, minimum: 0, maximum: 65_535 }),
  LOG_LEVEL: Type.Enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], { default: 'info' }),
  OIDC_CACHE_KEY_PREFIX: Type.String({ default: 'sigstack:oidc:', maxLength: 200 }),
  OIDC_FRESH_SECONDS: Type.Integer({ default: 600, minimum: 1, maximum: 86_400 }),
  OIDC_KEEP_SECONDS: Type.Integer({ default: 86_400, minimum: 1, maximum: 30 * 86_400 }),
  OIDC_KEY_ID_REFETCH_SECONDS: Type.Integer({ default: 10, minimum: 1, maximum: 3600 }),
})

const IssuerList = Type.Array(
  Type.Object(
    {
      url: Type.String({ minLength: 1, maxLength: 2048 }),
      caCertificate: Type.Optional(Type.String({ maxLength: 1024 * 1024 })),
      allowPrivateNetwork: Type.Optional(Type.Boolean()),
      allowHttp: Type.Optional(Type.Boolean()),
      connectTo: Type.Optional(
        Type.String({ pattern: '^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$', maxLength: 253 }),
      ),
    },
    { additionalProperties: false },
  ),
  { minItems: 1, maxItems: 1000 },
)

/** The only reader of the environment. Throws one error that names every bad variable. */
export function readConfig(environment: NodeJS.ProcessEnv): Config {
  const complaints: string[] = []
  const candidate = Value.Convert(Environment, Value.Default(Environment, { ...environment }))
  if (!Value.Check(Environment, candidate)) {
    for (const error of Value.Errors(Environment, candidate))
      complaints.push(`${error.instancePath.slice(1)} ${error.message}`)
  }
  const attempt = <T>(read: () => T): T | undefined => {
    try {
      return read()
    } catch (error) {
      complaints.push(error instanceof Error ? error.message : String(error))
      return undefined
    }
  }
  const issuers = attempt(() => readIssuers(environment))
  const redisUrl = attempt(() => readRedisUrl(environment))
  const egressProxy = attempt(() => readEgressProxy(environment))
  const issuersFile = issuersFileOf(environment)
  if (complaints.length > 0 || issuers === undefined || !Value.Check(Environment, candidate)) {
    throw new Error(`bad configuration: ${complaints.join('; ')}`)
  }
  return {
    host: candidate.OIDC_PROXY_HOST,
    port: candidate.OIDC_PROXY_PORT,
    logLevel: candidate.LOG_LEVEL,
    issuers,
    ...(issuersFile !== undefined && { issuersFile }),
    ...(redisUrl === undefined ? {} : { redisUrl }),
    ...(egressProxy !== undefined && { egressProxy }),
    cacheKeyPrefix: candidate.OIDC_CACHE_KEY_PREFIX,
    freshSeconds: candidate.OIDC_FRESH_SECONDS,
    keepSeconds: candidate.OIDC_KEEP_SECONDS,
    keyIdRefetchSeconds: candidate.OIDC_KEY_ID_REFETCH_SECONDS,
  }
}

function readRedisUrl(environment: NodeJS.ProcessEnv): string | undefined {
  const url = readSecret(environment, 'REDIS_URL')
  if (url === undefined || url === '') return undefined
  // The URL may hold a password, so it is not repeated in the complaint.
  if (!/^rediss?:$/.test(URL.parse(url)?.protocol ?? ''))
    throw new Error('REDIS_URL must be a redis: or rediss: URL')
  return url
}

function readIssuers(environment: NodeJS.ProcessEnv): readonly IssuerEntry[] {
  const { OIDC_ISSUERS: inline, OIDC_ISSUERS_FILE: path } = environment
  if (inline !== undefined && path !== undefined)
    throw new Error('set OIDC_ISSUERS or OIDC_ISSUERS_FILE, not both')
  if (inline === undefined && path === undefined) {
    throw new Error(
      'OIDC_ISSUERS must list the issuers, as in [{"url":"https://login.example.com"}] (or OIDC_ISSUERS_FILE a file with it)',
    )
  }
  if (inline !== undefined) return parseIssuers('OIDC_ISSUERS', parseJson('OIDC_ISSUERS', inline))
  const file = issuersFileOf(environment)
  if (file === undefined) throw new Error('OIDC_ISSUERS_FILE must name a file')
  return file.parse(readIssuersFile(file.path))
}

/** Our own list, or the CA's configuration file. */
function issuersFileOf(environment: NodeJS.ProcessEnv): Config['issuersFile'] {
  const { OIDC_ISSUERS_FILE: path } = environment
  if (path === undefined || path === '') return undefined
  const privateIssuers = (environment.OIDC_PRIVATE_ISSUERS ?? '').split(',').map((url) => url.trim())
  return { path, parse: (text) => parseIssuersFile(text, privateIssuers) }
}

function parseIssuersFile(text: string, privateIssuers: readonly string[]): readonly IssuerEntry[] {
  const name = 'OIDC_ISSUERS_FILE'
  if (text.length > longestFile) throw new Error(`${name} is too large`)
  let value: unknown
  try {
    value = parseJsonOrYaml(text)
  } catch (cause) {
    throw new Error(`${name} is neither valid JSON nor YAML`, { cause })
  }
  return parseIssuers(name, isFulcioFormat(value) ? linesOfFulcioFormat(value, privateIssuers) : value)
}

const longestFile = 4 * 1024 * 1024

/** Throws one sentence that names the file. */
export function readIssuersFile(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new Error(`OIDC_ISSUERS_FILE: ${path} cannot be read`, { cause })
  }
}

function parseIssuers(name: string, value: unknown): readonly IssuerEntry[] {
  if (!Value.Check(IssuerList, value)) {
    const reasons = Value.Errors(IssuerList, value).map((error) =>
      `${error.instancePath} ${error.message}`.trim(),
    )
    throw new Error(`${name} is no list of issuers: ${reasons.slice(0, 5).join(', ')}`)
  }
  const seen = new Set<string>()
  return value.map((line) => {
    if (seen.has(line.url)) throw new Error(`${name}: ${line.url} is listed twice`)
    seen.add(line.url)
    return toEntry(name, line)
  })
}

function toEntry(name: string, line: Static<typeof IssuerList>[number]): IssuerEntry {
  const entry = {
    ...line,
    allowPrivateNetwork: line.allowPrivateNetwork ?? false,
    allowHttp: line.allowHttp ?? false,
  }
  // A pattern is checked with a stand-in for each star: what it matches must be an issuer URL too.
  if (!isIssuerUrl(entry.url.replaceAll('*', 'x'), entry)) {
    throw new Error(
      `${name}: ${JSON.stringify(entry.url)} is no issuer URL: https, without query, fragment or credentials (http needs allowHttp, or a place in OIDC_PRIVATE_ISSUERS)`,
    )
  }
  // The name is replaced where it is resolved, and an address is never resolved; a family of issuers has many names.
  if (entry.connectTo !== undefined && (isPattern(entry.url) || hasAddressAsHost(entry.url))) {
    throw new Error(`${name}: connectTo is for one issuer with a host name, not for ${entry.url}`)
  }
  if (entry.caCertificate !== undefined) {
    try {
      new X509Certificate(entry.caCertificate)
    } catch (cause) {
      throw new Error(`${name}: caCertificate of ${entry.url} is not a PEM certificate`, { cause })
    }
  }
  return entry
}

function hasAddressAsHost(url: string): boolean {
  return isIP(new URL(url).hostname.replace(/^\[(.*)\]$/, '$1')) !== 0
}

function parseJson(name: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new Error(`${name} is not valid JSON`, { cause })
  }
}
