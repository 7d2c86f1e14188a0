/** The environment of the whole stack in one process, read once. What the services read of it themselves: compose/. */
import {
  collectComplaints,
  type Environment,
  isLoopback,
  type LogLevel,
  listOf,
  logLevelVariable,
  pathVariable,
  portVariable,
  readEnvironment,
  secret,
  type TlsFiles,
  tlsFilesOf,
  variableNames,
} from '@sigstack/server'
import { type TObject, Type } from 'typebox'
import { composeServices } from './compose/compose-services.ts'
import { pathsBelow } from './data-directory.ts'
import { demandOriginsApart, type PublicUrls, readPublicUrls } from './public-urls.ts'
import { decideTrial } from './trial.ts'

export type Ports = {
  readonly ca: number
  readonly rekor: number
  readonly rekorV2: number
  readonly ct: number
  readonly oidcProxy: number
  readonly devIssuer: number
  readonly trust: number
  readonly tsa: number
  readonly console: number
}

export type Config = {
  /** Keys, database, published trust and endpoints.json live below it. */
  readonly dataDirectory: string
  /** Where the services listen; an address without brackets, or a name. */
  readonly host: string
  /** 0 takes any free port, another one at every start. */
  readonly ports: Ports
  /** How clients reach the services, where that is not where they listen. */
  readonly publicUrls: PublicUrls
  /** For the services that clients reach. */
  readonly tls?: TlsFiles
  readonly logLevel: LogLevel
  /** A PostgreSQL to use in place of the embedded one. */
  readonly databaseUrl?: string
  /** The trial issuer, which signs in anyone as anyone. */
  readonly trial: boolean
  /** False: certificates are in no CT log, and the published trust says so. */
  readonly ctLog: boolean
  /** Which versions of Rekor have a log here; one of them at least. */
  readonly rekorV1: boolean
  readonly rekorV2: boolean
  /** False: nobody stamps, and the published trust lists no timestamp authority. */
  readonly tsa: boolean
  /** True: a monitor of this process follows its logs. */
  readonly monitor: boolean
  /** True: a witness of this process cosigns the heads of its logs. */
  readonly witness: boolean
  /** False: there are no pages for people. */
  readonly console: boolean
  /** Issuers that the CA accepts besides, in Fulcio's format. */
  readonly issuerConfigFile?: string
  /** Issuers that may resolve to private addresses. */
  readonly privateIssuers: readonly string[]
  /** Service account token and CA for the issuer of the own Kubernetes cluster; else those of the pod. */
  readonly issuerTokenFile?: string
  readonly issuerCaFile?: string
  /** In the certificates' names and in the signing config. */
  readonly organization: string
  /** What else the services read. */
  readonly environment: Environment
}

/** One of these is added to SIGSTACK_BASE_PORT. */
const portOffsets = {
  ca: 0,
  rekor: 1,
  ct: 2,
  oidcProxy: 3,
  devIssuer: 4,
  trust: 5,
  tsa: 6,
  rekorV2: 7,
  console: 8,
} as const

const standardPorts: Ports = {
  ca: 5555,
  rekor: 3000,
  rekorV2: 3003,
  ct: 6962,
  oidcProxy: 5557,
  devIssuer: 5558,
  trust: 5559,
  tsa: 3004,
  console: 5560,
}

/** Those that settings of before do not know. */
const laterServices: ReadonlySet<keyof Ports> = new Set(['tsa', 'rekorV2', 'console'])

/** The variable that sets each port, for messages. */
export const portVariables = {
  ca: 'SIGSTACK_CA_PORT',
  rekor: 'SIGSTACK_REKOR_PORT',
  rekorV2: 'SIGSTACK_REKOR_V2_PORT',
  ct: 'SIGSTACK_CT_PORT',
  oidcProxy: 'SIGSTACK_OIDC_PROXY_PORT',
  devIssuer: 'SIGSTACK_DEV_ISSUER_PORT',
  trust: 'SIGSTACK_TRUST_PORT',
  tsa: 'SIGSTACK_TSA_PORT',
  console: 'SIGSTACK_CONSOLE_PORT',
} as const satisfies Record<keyof Ports, string>

export const portNames = Object.keys(portVariables) as (keyof Ports)[]

const port = Type.Optional(portVariable())
const publicUrl = Type.Optional(
  Type.String({
    pattern: '^https?://[^\\s?#@{}]+$',
    maxLength: 2048,
    description: 'an http or https URL without query',
  }),
)
const oneOrZero = Type.Optional(Type.Union([Type.Literal('0'), Type.Literal('1')]))

export const variables = Type.Object({
  SIGSTACK_DATA: pathVariable({ default: './.sigstack' }),
  SIGSTACK_HOST: Type.String({
    default: '127.0.0.1',
    pattern: '^([A-Za-z0-9.-]{1,253}|[0-9A-Fa-f:.]{2,45}|\\[[0-9A-Fa-f:.]{2,45}\\])$',
    description: 'an address or a name of this machine',
  }),
  SIGSTACK_BASE_PORT: Type.Optional(Type.Integer({ minimum: 1, maximum: 65_527 })),
  SIGSTACK_CA_PORT: port,
  SIGSTACK_REKOR_PORT: port,
  SIGSTACK_REKOR_V2_PORT: port,
  SIGSTACK_CT_PORT: port,
  SIGSTACK_OIDC_PROXY_PORT: port,
  SIGSTACK_DEV_ISSUER_PORT: port,
  SIGSTACK_TRUST_PORT: port,
  SIGSTACK_TSA_PORT: port,
  SIGSTACK_CONSOLE_PORT: port,
  SIGSTACK_PUBLIC_URL: Type.Optional(
    Type.String({
      pattern: '^https?://[^\\s?#@]+$',
      maxLength: 2048,
      description:
        'an http or https URL such as https://sigstore.example.org or https://{service}.example.org',
    }),
  ),
  SIGSTACK_CA_PUBLIC_URL: publicUrl,
  SIGSTACK_REKOR_PUBLIC_URL: publicUrl,
  SIGSTACK_REKOR_V2_PUBLIC_URL: publicUrl,
  SIGSTACK_CT_PUBLIC_URL: publicUrl,
  SIGSTACK_TRUST_PUBLIC_URL: publicUrl,
  SIGSTACK_TSA_PUBLIC_URL: publicUrl,
  SIGSTACK_DEV_ISSUER_PUBLIC_URL: publicUrl,
  SIGSTACK_CONSOLE_PUBLIC_URL: publicUrl,
  SIGSTACK_TLS_CERTIFICATE_FILE: Type.Optional(pathVariable()),
  SIGSTACK_TLS_KEY_FILE: Type.Optional(pathVariable()),
  SIGSTACK_TRIAL: oneOrZero,
  SIGSTACK_TRIAL_EXPOSED: Type.Optional(Type.String({ maxLength: 100 })),
  SIGSTACK_CT_LOG: Type.Union([Type.Literal('own'), Type.Literal('none')], { default: 'own' }),
  SIGSTACK_REKOR: Type.Union([Type.Literal('v1'), Type.Literal('v2'), Type.Literal('both')], {
    default: 'both',
  }),
  SIGSTACK_TSA: Type.Union([Type.Literal('own'), Type.Literal('none')], { default: 'own' }),
  SIGSTACK_WITNESS: Type.Union([Type.Literal('own'), Type.Literal('none')], { default: 'none' }),
  SIGSTACK_MONITOR: Type.Union([Type.Literal('own'), Type.Literal('none')], { default: 'own' }),
  SIGSTACK_CONSOLE: Type.Union([Type.Literal('own'), Type.Literal('none')], { default: 'own' }),
  SIGSTACK_CA_CONFIG_FILE: Type.Optional(pathVariable()),
  SIGSTACK_PRIVATE_ISSUERS: Type.String({ default: '', maxLength: 64 * 1024 }),
  SIGSTACK_ISSUER_TOKEN_FILE: Type.Optional(pathVariable()),
  SIGSTACK_ISSUER_CA_FILE: Type.Optional(pathVariable()),
  SIGSTACK_ORGANIZATION: Type.String({ default: 'sigstack', minLength: 1, maxLength: 64 }),
  DATABASE_URL: Type.Optional(
    secret(Type.String({ pattern: '^postgres(ql)?://', maxLength: 4096, description: 'a postgresql: URL' })),
  ),
  LOG_LEVEL: logLevelVariable,
  // The names that the services have for the same, which are taken as well.
  CA_CONFIG_FILE: Type.Optional(pathVariable()),
  OIDC_PRIVATE_ISSUERS: Type.String({ default: '', maxLength: 64 * 1024 }),
})

/** The only reader of the environment. Throws one error that names every bad variable, also those of the services. */
export function readConfig(environment: Environment): Config {
  const { attempt, throwAny } = collectComplaints()
  const own = attempt(() => readEnvironment(environment, variables))
  // What is bad is known; it must not keep the services from their complaints.
  const sound = own === undefined ? withoutBad(environment) : environment
  const candidate = own ?? readEnvironment(sound, variables)
  const host = candidate.SIGSTACK_HOST.replace(/^\[(.*)\]$/, '$1')
  const ports = readPorts(candidate)
  const publicUrls = attempt(() => readPublicUrls(candidate)) ?? {}
  const tls = attempt(() =>
    tlsFilesOf('SIGSTACK', candidate.SIGSTACK_TLS_CERTIFICATE_FILE, candidate.SIGSTACK_TLS_KEY_FILE),
  )
  const issuerConfigFile = candidate.SIGSTACK_CA_CONFIG_FILE ?? candidate.CA_CONFIG_FILE
  const asked = candidate.SIGSTACK_TRIAL
  const trial = attempt(() =>
    decideTrial({
      asked: asked === undefined ? undefined : asked === '1',
      exposedWord: candidate.SIGSTACK_TRIAL_EXPOSED,
      exposedBy: exposure(host, publicUrls),
      hasIssuers: issuerConfigFile !== undefined,
    }),
  )
  const { DATABASE_URL: databaseUrl } = candidate
  const { SIGSTACK_ISSUER_TOKEN_FILE: issuerTokenFile, SIGSTACK_ISSUER_CA_FILE: issuerCaFile } = candidate
  const config: Config = {
    dataDirectory: candidate.SIGSTACK_DATA,
    host,
    ports,
    publicUrls,
    ...(tls !== undefined && { tls }),
    logLevel: candidate.LOG_LEVEL,
    ...(databaseUrl !== undefined && { databaseUrl }),
    trial: trial ?? false,
    ctLog: candidate.SIGSTACK_CT_LOG === 'own',
    rekorV1: candidate.SIGSTACK_REKOR !== 'v2',
    rekorV2: candidate.SIGSTACK_REKOR !== 'v1',
    tsa: candidate.SIGSTACK_TSA === 'own',
    witness: candidate.SIGSTACK_WITNESS === 'own',
    monitor: candidate.SIGSTACK_MONITOR === 'own',
    console: candidate.SIGSTACK_CONSOLE === 'own',
    ...(issuerConfigFile !== undefined && { issuerConfigFile }),
    privateIssuers: [
      ...listOf(candidate.SIGSTACK_PRIVATE_ISSUERS),
      ...listOf(candidate.OIDC_PRIVATE_ISSUERS),
    ],
    ...(issuerTokenFile !== undefined && { issuerTokenFile }),
    ...(issuerCaFile !== undefined && { issuerCaFile }),
    organization: candidate.SIGSTACK_ORGANIZATION,
    environment: sound,
  }
  attempt(() => demandOriginsApart(config))
  // What the services complain of is known before anything is made, though not yet where everything will be.
  attempt(() =>
    composeServices(config, { data: pathsBelow(config.dataDirectory), password: 'not yet made', ports }),
  )
  throwAny()
  return config
}

function withoutBad(environment: Environment): Environment {
  const bad = Object.entries(variables.properties)
    .map(([name, variable]) => Type.Object({ [name]: variable }))
    .filter((one) => !isReadable(environment, one))
    .flatMap(variableNames)
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !bad.includes(name)))
}

function isReadable(environment: Environment, schema: TObject): boolean {
  try {
    readEnvironment(environment, schema)
    return true
  } catch {
    return false
  }
}

function readPorts(candidate: Readonly<Record<string, unknown>>): Ports {
  const base = candidate['SIGSTACK_BASE_PORT'] as number | undefined
  const given = (name: keyof Ports) => candidate[portVariables[name]] as number | undefined
  // Whoever wants free ports of all services wants one of a service that came later, too.
  const mayBeMissing = (other: keyof Ports, name: keyof Ports) =>
    given(other) === undefined && (other === name || laterServices.has(other))
  const standard = (name: keyof Ports): number =>
    portNames.every((other) => given(other) === 0 || mayBeMissing(other, name)) ? 0 : standardPorts[name]
  const read = (name: keyof Ports): number =>
    given(name) ?? (base === undefined ? standard(name) : base + portOffsets[name])
  return {
    ca: read('ca'),
    rekor: read('rekor'),
    rekorV2: read('rekorV2'),
    ct: read('ct'),
    oidcProxy: read('oidcProxy'),
    devIssuer: read('devIssuer'),
    trust: read('trust'),
    tsa: read('tsa'),
    console: read('console'),
  }
}

/** What lets others than this machine reach the stack, as its setting says it. */
function exposure(host: string, urls: PublicUrls): string | undefined {
  if (!isLoopback(host)) return `SIGSTACK_HOST=${host}`
  const named = Object.entries(urls).find(([, { url }]) => !isLoopback(new URL(url).hostname))
  return named && `${named[1].variable}=${named[1].url}`
}
