import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  defaultClientAlgorithms,
  isSignatureAlgorithm,
  type PublicKey,
  parsePublicKeyPem,
  type SignatureAlgorithm,
} from '@sigstack/crypto'
import { parseRules, type Rule } from '@sigstack/limits'
import { type LogLevel, readSecret, type TlsFiles } from '@sigstack/server'
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import { parse as parseYaml } from 'yaml'
import { type IssuerConfig, parseIssuerConfig } from './identity/issuer-config.ts'
import { withPolicyText } from './policy-file.ts'

export type IdentityFile = {
  readonly path: string
  /** Rules beside it. */
  readonly policyPath?: string
  readonly parse: (text: string) => IssuerConfig
}

export type Config = {
  readonly host: string
  readonly port: number
  readonly logLevel: LogLevel
  /** Where keys and chain are, or are made. */
  readonly dataFolder: string
  /** Key and chain of the operator's own, in place of those in the data folder. */
  readonly ownAuthority?: { readonly keyUri: string; readonly chainPath: string }
  /** More chains for the trust bundle: those before and after this one. */
  readonly trustedChainsPath?: string
  /** Of the key files, and the PIN of a token whose URI names none. Undefined: a random one is kept beside the files. */
  readonly keyPassword?: string
  /** For one signature of a key that is no file. */
  readonly signTimeoutMs?: number
  /** In the names of certificates made on first start. */
  readonly organization: string
  readonly identity: IssuerConfig
  /** Where `identity` came from; it is read again when it changes. */
  readonly identityFile?: IdentityFile
  readonly oidcProxyUrl: string
  /** For how long keys of issuers are used while the proxy is away; default 10 minutes. */
  readonly issuerKeysKeepSeconds?: number
  /** Undefined with its key: no CT log, by the explicit word `none`. */
  readonly ctLogUrl: string | undefined
  readonly ctLogPublicKey: PublicKey | undefined
  readonly limits?: {
    readonly perAddress: readonly Rule[]
    readonly perIdentity: readonly Rule[]
    /** Undefined: each replica counts for itself. */
    readonly redisUrl?: string
  }
  readonly clientAlgorithms: readonly SignatureAlgorithm[]
  /** Serves HTTPS and gRPC with these, which are read again when they change. */
  readonly tls?: TlsFiles
  /** Send traces, as OpenTelemetry's own variables say. */
  readonly traces?: boolean
  /** Undefined: `/metrics` is served beside the API. */
  readonly metricsPort?: number
  /** Addresses of proxies whose `X-Forwarded-For` is believed. */
  readonly trustedProxies?: string
}

const defaultDataFolder = './ca-data'

const Environment = Type.Object({
  CA_HOST: Type.String({ default: '127.0.0.1', minLength: 1 }),
  CA_PORT: Type.Integer({ default: 5555, minimum: 0, maximum: 65_535 }),
  CA_DATA: Type.String({ default: defaultDataFolder, minLength: 1 }),
  CA_ORGANIZATION: Type.String({ default: 'sigstack', minLength: 1, maxLength: 64 }),
  CA_KEY: Type.Optional(Type.String({ minLength: 1 })),
  CA_CHAIN_FILE: Type.Optional(Type.String({ minLength: 1 })),
  CA_SIGN_TIMEOUT_MS: Type.Optional(Type.Integer({ minimum: 100, maximum: 60_000 })),
  CA_TRUSTED_CHAINS_FILE: Type.Optional(Type.String({ minLength: 1 })),
  CA_CONFIG_FILE: Type.String({ minLength: 1 }),
  OIDC_PROXY_URL: Type.String({ pattern: '^https?://' }),
  CA_ISSUER_KEYS_KEEP_SECONDS: Type.Integer({ default: 600, minimum: 60, maximum: 86_400 }),
  CA_CT_LOG_URL: Type.String({ pattern: '^(https?://|none$)' }),
  CA_POLICY_FILE: Type.Optional(Type.String({ minLength: 1 })),
  CA_LIMIT_PER_ADDRESS: Type.Optional(Type.String()),
  CA_LIMIT_PER_IDENTITY: Type.Optional(Type.String()),
  CA_CLIENT_SIGNING_ALGORITHMS: Type.Optional(Type.String({ minLength: 1 })),
  CA_TLS_CERTIFICATE_FILE: Type.Optional(Type.String({ minLength: 1 })),
  CA_TLS_KEY_FILE: Type.Optional(Type.String({ minLength: 1 })),
  CA_METRICS_PORT: Type.Optional(Type.Integer({ minimum: 0, maximum: 65_535 })),
  CA_TRUSTED_PROXIES: Type.Optional(Type.String({ minLength: 1 })),
  LOG_LEVEL: Type.Union(
    [
      Type.Literal('fatal'),
      Type.Literal('error'),
      Type.Literal('warn'),
      Type.Literal('info'),
      Type.Literal('debug'),
      Type.Literal('trace'),
      Type.Literal('silent'),
    ],
    { default: 'info' },
  ),
})

/** The only reader of the environment. Throws one error that names every bad variable. */
export function readConfig(environment: NodeJS.ProcessEnv): Config {
  const complaints: string[] = []
  const attempt = <T>(read: () => T): T | undefined => {
    try {
      return read()
    } catch (error) {
      complaints.push(error instanceof Error ? error.message : String(error))
      return undefined
    }
  }
  const candidate = Value.Convert(Environment, Value.Default(Environment, { ...environment }))
  if (!Value.Check(Environment, candidate)) {
    const bad = Value.Errors(Environment, candidate).map(
      ({ instancePath, message }) => `${instancePath.slice(1)} ${message}`,
    )
    throw new Error(`bad configuration: ${bad.join('; ')}`)
  }
  const identityFile: IdentityFile = {
    path: candidate.CA_CONFIG_FILE,
    ...(candidate.CA_POLICY_FILE !== undefined && { policyPath: candidate.CA_POLICY_FILE }),
    parse: parseIssuerConfigText,
  }
  const identity = attempt(() => readIssuerConfig(identityFile))
  const ctLogUrl = candidate.CA_CT_LOG_URL === 'none' ? undefined : candidate.CA_CT_LOG_URL
  const ctLogPublicKey = attempt(() =>
    ctLogUrl === undefined ? assertNoCtLogKey(environment) : readCtLogKey(environment),
  )
  const limits = attempt(() =>
    readLimits(candidate.CA_LIMIT_PER_ADDRESS, candidate.CA_LIMIT_PER_IDENTITY, environment),
  )
  const keyPassword = attempt(() => readSecret(environment, 'CA_KEY_PASSWORD'))
  const clientAlgorithms = attempt(() => readAlgorithms(candidate.CA_CLIENT_SIGNING_ALGORITHMS))
  const ownAuthority = attempt(() => readOwnAuthority(candidate.CA_KEY, candidate.CA_CHAIN_FILE))
  const tls = attempt(() => readTls(candidate.CA_TLS_CERTIFICATE_FILE, candidate.CA_TLS_KEY_FILE))
  if (complaints.length > 0 || identity === undefined || clientAlgorithms === undefined)
    throw new Error(`bad configuration: ${complaints.join('; ')}`)
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
    identity,
    identityFile,
    oidcProxyUrl: candidate.OIDC_PROXY_URL,
    issuerKeysKeepSeconds: candidate.CA_ISSUER_KEYS_KEEP_SECONDS,
    ctLogUrl,
    ctLogPublicKey,
    ...(limits !== undefined && { limits }),
    clientAlgorithms,
    ...(tls !== undefined && { tls }),
    traces:
      (environment.OTEL_EXPORTER_OTLP_ENDPOINT ?? environment.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? '') !==
      '',
    ...(candidate.CA_METRICS_PORT !== undefined && { metricsPort: candidate.CA_METRICS_PORT }),
    ...(candidate.CA_TRUSTED_PROXIES !== undefined && { trustedProxies: candidate.CA_TRUSTED_PROXIES }),
  }
}

/** Where the CT log's key is to be fetched from and kept; undefined when it is configured itself. */
export function readCtLogKeyUrl(
  environment: NodeJS.ProcessEnv,
): { readonly url: string; readonly dataFolder: string } | undefined {
  const url = environment.CA_CT_LOG_PUBLIC_KEY_URL
  if (url === undefined || url === '' || environment.CA_CT_LOG_URL === 'none') return undefined
  if (!/^https?:$/.test(URL.parse(url)?.protocol ?? ''))
    throw new Error('bad configuration: CA_CT_LOG_PUBLIC_KEY_URL must be an http or https URL')
  if (environment.CA_CT_LOG_PUBLIC_KEY !== undefined || environment.CA_CT_LOG_PUBLIC_KEY_FILE !== undefined)
    throw new Error(
      'bad configuration: CA_CT_LOG_PUBLIC_KEY_URL and CA_CT_LOG_PUBLIC_KEY(_FILE) are both set; keep one of them',
    )
  return { url, dataFolder: environment.CA_DATA ?? defaultDataFolder }
}

const longestFile = 4 * 1024 * 1024

/** Identity configuration, with the policies beside it. Throws one sentence that names the file with the fault. */
export function readIssuerConfig({ path, policyPath, parse }: IdentityFile): IssuerConfig {
  const config = naming('CA_CONFIG_FILE', path, parse)
  return policyPath === undefined
    ? config
    : naming('CA_POLICY_FILE', policyPath, (text) => withPolicyText(config, text))
}

function naming<T>(variable: string, path: string, parse: (text: string) => T): T {
  try {
    return parse(readText(path))
  } catch (cause) {
    throw new Error(`${variable} ${path}: ${cause instanceof Error ? cause.message : String(cause)}`, {
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
function assertNoCtLogKey(environment: NodeJS.ProcessEnv): undefined {
  const set = ['CA_CT_LOG_PUBLIC_KEY', 'CA_CT_LOG_PUBLIC_KEY_FILE', 'CA_CT_LOG_PUBLIC_KEY_URL'].find(
    (name) => (environment[name] ?? '') !== '',
  )
  if (set !== undefined) throw new Error(`CA_CT_LOG_URL is none, but ${set} is set; remove one of them`)
}

function readLimits(
  perAddress: string | undefined,
  perIdentity: string | undefined,
  environment: NodeJS.ProcessEnv,
): Config['limits'] {
  const redisUrl = readSecret(environment, 'REDIS_URL')
  const read = (name: string, text = ''): readonly Rule[] => {
    try {
      return parseRules(text)
    } catch (cause) {
      throw new Error(`${name}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
    }
  }
  const limits = {
    perAddress: read('CA_LIMIT_PER_ADDRESS', perAddress),
    perIdentity: read('CA_LIMIT_PER_IDENTITY', perIdentity),
  }
  if (limits.perAddress.length + limits.perIdentity.length === 0) return undefined
  return { ...limits, ...(redisUrl !== undefined && { redisUrl }) }
}

function readCtLogKey(environment: NodeJS.ProcessEnv): PublicKey {
  const pem = readSecret(environment, 'CA_CT_LOG_PUBLIC_KEY')
  if (pem === undefined)
    throw new Error(
      'CA_CT_LOG_PUBLIC_KEY_FILE must name the public key of the CT log, in PEM (or CA_CT_LOG_PUBLIC_KEY_URL where the log shows it)',
    )
  const key = parsePublicKeyPem(pem)
  const usable =
    (key.type === 'ecdsa' && key.curve === 'P-256') || (key.type === 'rsa' && key.modulusBits >= 2048)
  if (!usable)
    throw new Error('the public key of the CT log must be ECDSA P-256, or RSA of 2048 bits or more')
  return key
}

function readAlgorithms(list: string | undefined): readonly SignatureAlgorithm[] {
  if (list === undefined) return defaultClientAlgorithms
  return list
    .split(',')
    .map((name) => name.trim())
    .map((name) => {
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

function readTls(certificatePath: string | undefined, keyPath: string | undefined): Config['tls'] {
  if (certificatePath === undefined && keyPath === undefined) return undefined
  if (certificatePath === undefined || keyPath === undefined)
    throw new Error('CA_TLS_CERTIFICATE_FILE and CA_TLS_KEY_FILE belong together; set both or neither')
  return { certificatePath, keyPath }
}

/** The password file that stands in where no password is configured. */
export function passwordPath(dataFolder: string): string {
  return join(dataFolder, 'password')
}

function readText(path: string): string {
  const bytes = readFileSync(path)
  if (bytes.length > longestFile) throw new Error('the file is too large')
  return bytes.toString('utf8')
}
