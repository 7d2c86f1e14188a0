import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { decodeText, quoted } from '@sigstack/crypto'
import type { ProxyRules } from '@sigstack/http-client'
import {
  collectComplaints,
  type Environment,
  type LogLevel,
  listOf,
  logLevelVariable,
  pathVariable,
  portVariable,
  readEnvironment,
  secret,
} from '@sigstack/server'
import { type Static, Type } from 'typebox'
import { Value } from 'typebox/value'
import { isFulcioFormat, linesOfFulcioFormat, parseJsonOrYaml } from './issuers/fulcio-format.ts'
import { type IssuerEntry, isIssuerUrl, isPattern } from './issuers/issuer.ts'
import { checkEgressProxy, readEgressProxy } from './upstream/egress.ts'
import type { ServiceAccountFiles } from './upstream/service-account.ts'

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
  /** Of all replicas; without it nothing is shared. */
  readonly cacheSecret?: string
  readonly cacheKeyPrefix: string
  /** What requests to issuers go through; undefined: nothing. */
  readonly egressProxy?: ProxyRules
  /** For issuers of the cluster that this runs in. */
  readonly serviceAccountFiles?: ServiceAccountFiles
  /** What an operator does for an issuer that is meant to be on the own network, for messages. */
  readonly howToPermit?: string
  readonly freshSeconds: number
  readonly keepSeconds: number
  readonly keyIdRefetchSeconds: number
}

const issuerVariables = Type.Object({
  /** JSON; as long as the environment permits. */
  OIDC_ISSUERS: Type.Optional(Type.String()),
  OIDC_ISSUERS_FILE: Type.Optional(pathVariable()),
  OIDC_PRIVATE_ISSUERS: Type.String({ default: '', maxLength: 64 * 1024 }),
})

export const variables = Type.Object({
  OIDC_PROXY_HOST: Type.String({ default: '127.0.0.1', minLength: 1 }),
  OIDC_PROXY_PORT: portVariable({ default: 5557 }),
  ...issuerVariables.properties,
  // The URL may hold a password.
  REDIS_URL: Type.Optional(
    secret(Type.String({ pattern: '^rediss?://', maxLength: 4096, description: 'a redis: or rediss: URL' })),
  ),
  LOG_LEVEL: logLevelVariable,
  OIDC_ISSUER_TOKEN_FILE: Type.Optional(pathVariable()),
  OIDC_ISSUER_CA_FILE: Type.Optional(pathVariable()),
  OIDC_CACHE_SECRET: Type.Optional(
    secret(
      Type.String({ minLength: 32, maxLength: 4096, description: 'a secret of at least 32 characters' }),
    ),
  ),
  OIDC_CACHE_KEY_PREFIX: Type.String({ default: 'sigstack:oidc:', maxLength: 200 }),
  OIDC_FRESH_SECONDS: Type.Integer({ default: 600, minimum: 1, maximum: 86_400 }),
  OIDC_KEEP_SECONDS: Type.Integer({ default: 3600, minimum: 1, maximum: 30 * 86_400 }),
  OIDC_KEY_ID_REFETCH_SECONDS: Type.Integer({ default: 10, minimum: 1, maximum: 3600 }),
})

const IssuerList = Type.Array(
  Type.Object(
    {
      url: Type.String({ minLength: 1, maxLength: 2048 }),
      caCertificate: Type.Optional(Type.String({ maxLength: 1024 * 1024 })),
      allowPrivateNetwork: Type.Optional(Type.Boolean()),
      allowHttp: Type.Optional(Type.Boolean()),
      serviceAccountToken: Type.Optional(Type.Boolean()),
      connectTo: Type.Optional(
        Type.String({ pattern: '^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$', maxLength: 253 }),
      ),
    },
    { additionalProperties: false },
  ),
  { minItems: 1, maxItems: 1000 },
)

export type ReadOptions = {
  /** For a process that decides on the issuers itself. */
  readonly issuers?: Pick<Config, 'issuers' | 'issuersFile' | 'howToPermit'>
}

/** The only reader of the environment. Throws one error that names every bad variable. */
export function readConfig(environment: Environment, { issuers: given }: ReadOptions = {}): Config {
  const { attempt, throwAny } = collectComplaints()
  const candidate = attempt(() => readEnvironment(environment, variables))
  const issuers = given ?? attempt(() => readIssuers(readEnvironment(environment, issuerVariables)))
  const egressProxy = attempt(() => {
    // A process of many services may have it for others, and issuers that need no proxy.
    if (given === undefined) checkEgressProxy(environment)
    return readEgressProxy(environment)
  })
  throwAny()
  if (candidate === undefined || issuers === undefined) throw new Error('nothing was read')
  return {
    host: candidate.OIDC_PROXY_HOST,
    port: candidate.OIDC_PROXY_PORT,
    logLevel: candidate.LOG_LEVEL,
    ...issuers,
    ...(candidate.REDIS_URL !== undefined && { redisUrl: candidate.REDIS_URL }),
    ...(candidate.OIDC_CACHE_SECRET !== undefined && { cacheSecret: candidate.OIDC_CACHE_SECRET }),
    ...(egressProxy !== undefined && { egressProxy }),
    serviceAccountFiles: { token: candidate.OIDC_ISSUER_TOKEN_FILE, ca: candidate.OIDC_ISSUER_CA_FILE },
    cacheKeyPrefix: candidate.OIDC_CACHE_KEY_PREFIX,
    freshSeconds: candidate.OIDC_FRESH_SECONDS,
    keepSeconds: candidate.OIDC_KEEP_SECONDS,
    keyIdRefetchSeconds: candidate.OIDC_KEY_ID_REFETCH_SECONDS,
  }
}

// Each way of listing issuers has its own word for it.
const ownWord = 'set allowPrivateNetwork in its entry, and allowHttp where its URL is http'
const inOwnList = `if this issuer is meant to be there, ${ownWord}`
const inFile = `if this issuer is meant to be there, name it in OIDC_PRIVATE_ISSUERS (in a list of the proxy's own, ${ownWord})`

/** Our own list, or the CA's configuration file. */
function readIssuers(candidate: Static<typeof issuerVariables>): NonNullable<ReadOptions['issuers']> {
  const { OIDC_ISSUERS: inline, OIDC_ISSUERS_FILE: path } = candidate
  if (inline !== undefined && path !== undefined)
    throw new Error('set OIDC_ISSUERS or OIDC_ISSUERS_FILE, not both')
  if (inline !== undefined)
    return {
      issuers: parseIssuers('OIDC_ISSUERS', parseJson('OIDC_ISSUERS', inline)),
      howToPermit: inOwnList,
    }
  if (path === undefined) {
    throw new Error(
      'OIDC_ISSUERS must list the issuers, as in [{"url":"https://login.example.com"}] (or OIDC_ISSUERS_FILE a file with it)',
    )
  }
  const privateIssuers = listOf(candidate.OIDC_PRIVATE_ISSUERS)
  const parse = (text: string) => parseIssuersFile(text, privateIssuers)
  return { issuers: parse(readIssuersFile(path)), issuersFile: { path, parse }, howToPermit: inFile }
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
    return decodeText(readFileSync(path))
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
  if (entry.serviceAccountToken === true && (!entry.allowPrivateNetwork || isPattern(entry.url)))
    throw new Error(
      `${name}: serviceAccountToken of ${entry.url} is for one issuer, and wants allowPrivateNetwork: the token is for the own cluster alone`,
    )
  // A pattern is checked with a stand-in for each star: what it matches must be an issuer URL too.
  if (!isIssuerUrl(entry.url.replaceAll('*', 'x'), entry)) {
    throw new Error(
      `${name}: ${quoted(entry.url)} is no issuer URL: https, without query, fragment or credentials (http needs allowHttp, or a place in OIDC_PRIVATE_ISSUERS)`,
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
