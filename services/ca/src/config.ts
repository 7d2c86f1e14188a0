import { readFileSync } from 'node:fs'
import type { AuthoritySettings } from '@sigstack/ca-authority'
import {
  counted,
  decodeText,
  defaultClientAlgorithms,
  errorCode,
  isSignatureAlgorithm,
  type PublicKey,
  parsePemBlocks,
  parsePublicKeyPem,
  reasonOf,
  type SignatureAlgorithm,
} from '@sigstack/crypto'
import { parseRangeList, parseRules, type Rule } from '@sigstack/limits'
import {
  collectComplaints,
  type Environment,
  type InsideDoor,
  isSet,
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
import { type Static, Type } from 'typebox'
import { parse as parseYaml } from 'yaml'
import type { CtLogPlace } from './adapters/ct-logs.ts'
import { type IssuerConfig, parseIssuerConfig } from './identity/issuer-config.ts'
import { withPolicyText } from './policy-file.ts'

export type IdentityFiles = {
  /** What the operator set the path with; default `CA_CONFIG_FILE`. */
  readonly variable?: string
  /** Undefined: the issuers are all `withIssuers`'. */
  readonly path?: string
  /** Rules beside it. */
  readonly policyPath?: string
  /** Puts others beside those of the file. */
  readonly withIssuers?: (own: IssuerConfig) => IssuerConfig
}

export type Config = AuthoritySettings & {
  readonly host: string
  readonly port: number
  readonly logLevel: LogLevel
  readonly identity: IssuerConfig
  /** Where `identity` came from; it is read again when it changes. */
  readonly identityFiles?: IdentityFiles
  readonly oidcProxyUrl: string
  /** For how long keys of issuers are used while the proxy is away; default 10 minutes. */
  readonly issuerKeysKeepSeconds?: number
  /** In the order in which they are asked. Empty: no CT log, by the explicit word `none`. */
  readonly ctLogs: readonly CtLogPlace[]
  readonly limits?: {
    readonly perAddress: readonly Rule[]
    readonly perIdentity: readonly Rule[]
    /** Undefined: each replica counts for itself. */
    readonly redisUrl?: string
    readonly redisAnswerMs?: number
  }
  readonly clientAlgorithms: readonly SignatureAlgorithm[]
  /** Serves HTTPS and gRPC with these, which are read again when they change. */
  readonly tls?: TlsFiles
  /** For others in this process. */
  readonly inside?: InsideDoor
  /** Send traces, as OpenTelemetry's own variables say. */
  readonly traces?: boolean
  /** Undefined: `/metrics` is served beside the API. */
  readonly metricsPort?: number
  /** Addresses and ranges of proxies whose `X-Forwarded-For` is believed. */
  readonly trustedProxies?: readonly string[]
}

const defaultDataFolder = './ca-data'

/** Of as many as there may be CT logs. */
const mostCtLogs = 8

function urlListVariable(orElse = '', orElseInWords = '') {
  const url = 'https?://[^\\s?#,]+'
  return urlVariable({
    pattern: `^(${url}(\\s*,\\s*${url}){0,${mostCtLogs - 1}}${orElse})$`,
    maxLength: 16_384,
    description: `http or https URLs without query, ${mostCtLogs} at the most, with commas between${orElseInWords}`,
  })
}

export const variables = Type.Object({
  CA_HOST: Type.String({ default: '127.0.0.1', minLength: 1 }),
  CA_PORT: portVariable({ default: 5555 }),
  CA_DATA: pathVariable({ default: defaultDataFolder }),
  CA_ORGANIZATION: Type.String({ default: 'sigstack', minLength: 1, maxLength: 64 }),
  CA_KEY: Type.Optional(pathVariable()),
  CA_KEY_PASSWORD: Type.Optional(secret(Type.String({ maxLength: 4096 }))),
  CA_CHAIN_FILE: Type.Optional(pathVariable()),
  CA_SIGN_TIMEOUT_MS: Type.Optional(Type.Integer({ minimum: 100, maximum: 60_000 })),
  CA_TRUSTED_CHAINS_FILE: Type.Optional(pathVariable()),
  CA_CONFIG_FILE: pathVariable(),
  OIDC_PROXY_URL: urlVariable(),
  CA_ISSUER_KEYS_KEEP_SECONDS: Type.Integer({ default: 600, minimum: 60, maximum: 86_400 }),
  CA_CT_LOG_URL: urlListVariable('|none', ', or none'),
  CA_CT_LOG_PUBLIC_KEY: Type.Optional(secret(Type.String({ maxLength: 64 * 1024 }))),
  CA_CT_LOG_PUBLIC_KEY_URL: Type.Optional(urlListVariable()),
  CA_POLICY_FILE: Type.Optional(pathVariable()),
  CA_LIMIT_PER_ADDRESS: Type.String({ default: '', maxLength: 500 }),
  CA_LIMIT_PER_IDENTITY: Type.String({ default: '', maxLength: 500 }),
  CA_CLIENT_SIGNING_ALGORITHMS: Type.Optional(Type.String({ minLength: 1, maxLength: 1000 })),
  CA_TLS_CERTIFICATE_FILE: Type.Optional(pathVariable()),
  CA_TLS_KEY_FILE: Type.Optional(pathVariable()),
  CA_METRICS_PORT: Type.Optional(portVariable()),
  CA_TRUSTED_PROXIES: Type.String({ default: '', maxLength: 10_000 }),
  REDIS_URL: Type.Optional(
    secret(Type.String({ pattern: '^rediss?://', maxLength: 4096, description: 'a redis: or rediss: URL' })),
  ),
  LOG_LEVEL: logLevelVariable,
})

const variablesWithIssuersBeside = Type.Object({
  ...variables.properties,
  CA_CONFIG_FILE: Type.Optional(pathVariable()),
})
type Variables = Static<typeof variablesWithIssuersBeside>

export type ReadOptions = {
  /** For a process that decides on issuers besides: with it the file of issuers may be left out. */
  readonly withIssuers?: (own: IssuerConfig) => IssuerConfig
  /** What the operator set the path of the issuers with, for messages. */
  readonly configVariable?: string
}

/** The only reader of the environment. Throws one error that names every bad variable. */
export function readConfig(
  environment: Environment,
  { withIssuers, configVariable }: ReadOptions = {},
): Config {
  const candidate: Variables = readEnvironment(
    environment,
    withIssuers === undefined ? variables : variablesWithIssuersBeside,
  )
  const { attempt, throwAny } = collectComplaints()
  const identityFiles: IdentityFiles = {
    ...(candidate.CA_CONFIG_FILE !== undefined && { path: candidate.CA_CONFIG_FILE }),
    ...(candidate.CA_POLICY_FILE !== undefined && { policyPath: candidate.CA_POLICY_FILE }),
    ...(withIssuers !== undefined && { withIssuers }),
    ...(configVariable !== undefined && { variable: configVariable }),
  }
  const identity = attempt(() => readIssuerConfig(identityFiles))
  const ctLogs = attempt(() => readCtLogs(candidate))
  const limits = attempt(() => readLimits(candidate))
  const trustedProxies = attempt(() => parseRangeList(candidate.CA_TRUSTED_PROXIES, 'CA_TRUSTED_PROXIES'))
  const clientAlgorithms = attempt(() => readAlgorithms(candidate.CA_CLIENT_SIGNING_ALGORITHMS))
  const ownAuthority = attempt(() => readOwnAuthority(candidate.CA_KEY, candidate.CA_CHAIN_FILE))
  const tls = attempt(() => tlsFilesOf('CA', candidate.CA_TLS_CERTIFICATE_FILE, candidate.CA_TLS_KEY_FILE))
  throwAny()
  const { CA_KEY_PASSWORD: keyPassword } = candidate
  return {
    host: candidate.CA_HOST,
    port: candidate.CA_PORT,
    logLevel: candidate.LOG_LEVEL,
    dataFolder: candidate.CA_DATA,
    ...(ownAuthority !== undefined && { ownAuthority }),
    ...(candidate.CA_TRUSTED_CHAINS_FILE !== undefined && {
      trustedChainsPath: candidate.CA_TRUSTED_CHAINS_FILE,
    }),
    ...(keyPassword !== undefined && { keyPassword }),
    ...(candidate.CA_SIGN_TIMEOUT_MS !== undefined && { signTimeoutMs: candidate.CA_SIGN_TIMEOUT_MS }),
    organization: candidate.CA_ORGANIZATION,
    identity: identity ?? { issuers: [] },
    identityFiles,
    oidcProxyUrl: candidate.OIDC_PROXY_URL,
    issuerKeysKeepSeconds: candidate.CA_ISSUER_KEYS_KEEP_SECONDS,
    ctLogs: ctLogs ?? [],
    ...(limits !== undefined && { limits }),
    clientAlgorithms: clientAlgorithms ?? defaultClientAlgorithms,
    ...(tls !== undefined && { tls }),
    traces: [
      environment['OTEL_EXPORTER_OTLP_ENDPOINT'],
      environment['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'],
    ].some(isSet),
    ...(candidate.CA_METRICS_PORT !== undefined && { metricsPort: candidate.CA_METRICS_PORT }),
    ...(trustedProxies !== undefined && trustedProxies.length > 0 && { trustedProxies }),
  }
}

/** Asked for before all others are read: the keys that they want may have to be fetched. */
const ctLogKeyVariables = Type.Pick(variables, ['CA_CT_LOG_PUBLIC_KEY_URL', 'CA_DATA'])

/** Where the keys of the CT logs are to be fetched from and kept; undefined when they are configured themselves. */
export function readCtLogKeyUrls(
  environment: Environment,
): { readonly urls: readonly string[]; readonly dataFolder: string } | undefined {
  const { CA_CT_LOG_PUBLIC_KEY_URL: list, CA_DATA: dataFolder } = readEnvironment(
    environment,
    ctLogKeyVariables,
  )
  if (list === undefined || environment['CA_CT_LOG_URL']?.trim() === 'none') return undefined
  if (isSet(environment['CA_CT_LOG_PUBLIC_KEY']) || isSet(environment['CA_CT_LOG_PUBLIC_KEY_FILE']))
    throw new SettingsError([
      'CA_CT_LOG_PUBLIC_KEY_URL and CA_CT_LOG_PUBLIC_KEY(_FILE) are both set; keep one of them',
    ])
  return { urls: listOf(list), dataFolder }
}

const longestFile = 4 * 1024 * 1024

/** Identity configuration, with the policies beside it. Throws one sentence that names the file with the fault. */
export function readIssuerConfig({
  variable = 'CA_CONFIG_FILE',
  path,
  policyPath,
  withIssuers = (own) => own,
}: IdentityFiles): IssuerConfig {
  const config = withIssuers(
    path === undefined ? { issuers: [] } : naming(variable, path, parseIssuerConfigText),
  )
  return policyPath === undefined
    ? config
    : naming('CA_POLICY_FILE', policyPath, (text) => withPolicyText(config, text))
}

function naming<T>(variable: string, path: string, parse: (text: string) => T): T {
  try {
    return parse(readText(path))
  } catch (cause) {
    throw new Error(`${variable} ${path}: ${reasonOf(cause)}`, {
      cause,
    })
  }
}

/** JSON, and YAML where it is no JSON. */
export function parseIssuerConfigText(text: string): IssuerConfig {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    value = parseYaml(text, { merge: true, maxAliasCount: 1000 })
  }
  return parseIssuerConfig(value)
}

/** Without a log there is nothing to check with its key: one of the two settings is a mistake. */
function assertNoCtLogKey(candidate: Variables): undefined {
  const names = { CA_CT_LOG_PUBLIC_KEY: '(_FILE)', CA_CT_LOG_PUBLIC_KEY_URL: '' } as const
  for (const name of Object.keys(names) as (keyof typeof names)[])
    if (candidate[name] !== undefined)
      throw new Error(`CA_CT_LOG_URL is none, but ${name}${names[name]} is set; remove one of them`)
}

function readLimits(candidate: Variables): Config['limits'] {
  const { REDIS_URL: redisUrl } = candidate
  const read = (name: 'CA_LIMIT_PER_ADDRESS' | 'CA_LIMIT_PER_IDENTITY'): readonly Rule[] => {
    try {
      return parseRules(candidate[name])
    } catch (cause) {
      throw new Error(`${name}: ${reasonOf(cause)}`, { cause })
    }
  }
  const limits = {
    perAddress: read('CA_LIMIT_PER_ADDRESS'),
    perIdentity: read('CA_LIMIT_PER_IDENTITY'),
  }
  if (limits.perAddress.length + limits.perIdentity.length === 0) return undefined
  return { ...limits, ...(redisUrl !== undefined && { redisUrl }) }
}

function readCtLogs(candidate: Variables): readonly CtLogPlace[] {
  const { CA_CT_LOG_URL: list, CA_CT_LOG_PUBLIC_KEY: pem } = candidate
  if (list === 'none') {
    assertNoCtLogKey(candidate)
    return []
  }
  const urls = listOf(list)
  if (pem === undefined)
    throw new Error(
      'CA_CT_LOG_PUBLIC_KEY_FILE must name the public key of the CT log, in PEM (or CA_CT_LOG_PUBLIC_KEY_URL where the log shows it)',
    )
  if (new Set(urls).size < urls.length) throw new Error('CA_CT_LOG_URL names a log twice')
  const keys = parsePemBlocks(pem, mostCtLogs).map((block) => readCtLogKey(block.pem))
  if (urls.length !== keys.length)
    throw new Error(
      `${counted(urls.length, 'log', 'logs')} in CA_CT_LOG_URL, and ${counted(keys.length, 'key', 'keys')} of CT logs; it takes one for each, in the same order`,
    )
  return keys.map((publicKey, at) => ({ url: urls[at] ?? '', publicKey }))
}

function readCtLogKey(pem: string): PublicKey {
  const key = parsePublicKeyPem(pem)
  const usable =
    (key.type === 'ecdsa' && key.curve === 'P-256') || (key.type === 'rsa' && key.modulusBits >= 2048)
  if (!usable)
    throw new Error('the public key of the CT log must be ECDSA P-256, or RSA of 2048 bits or more')
  return key
}

function readAlgorithms(list: string | undefined): readonly SignatureAlgorithm[] {
  const names = listOf(list ?? '')
  if (names.length === 0) return defaultClientAlgorithms
  return names.map((name) => {
    if (!isSignatureAlgorithm(name))
      throw new Error(`CA_CLIENT_SIGNING_ALGORITHMS: unknown signing algorithm ${name}`)
    return name
  })
}

function readOwnAuthority(keyUri: string | undefined, chainPath: string | undefined): Config['ownAuthority'] {
  if (keyUri === undefined && chainPath === undefined) return undefined
  if (keyUri === undefined || chainPath === undefined)
    throw new Error('CA_KEY and CA_CHAIN_FILE belong together; set both or neither')
  return { keyUri, chainPath }
}

function readText(path: string): string {
  let bytes: Buffer
  try {
    bytes = readFileSync(path)
  } catch (cause) {
    throw new Error(`cannot be read (${errorCode(cause) ?? String(cause)})`, { cause })
  }
  if (bytes.length > longestFile) throw new Error('the file is too large')
  return decodeText(bytes)
}
