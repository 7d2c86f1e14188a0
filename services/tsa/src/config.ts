import type { AuthoritySettings } from '@sigstack/ca-authority'
import { parseRangeList } from '@sigstack/limits'
import {
  collectComplaints,
  type Environment,
  type InsideDoor,
  type LogLevel,
  listOf,
  logLevelVariable,
  pathVariable,
  portVariable,
  readEnvironment,
  secret,
  type TlsFiles,
  tlsFilesOf,
} from '@sigstack/server'
import { Type } from 'typebox'

export type ClockConfig = {
  /** `host` or `host:port`. */
  readonly ntpServers: readonly { readonly host: string; readonly port: number }[]
  /** How many of them must answer, and agree with this machine. */
  readonly ntpAnswers: number
  /** Whose clock counts too. */
  readonly databaseUrl?: string
  readonly checkSeconds: number
  readonly maxDifferenceMs: number
  /** What happens while the time cannot be believed. */
  readonly whenUnsure: 'refuse' | 'stamp'
}

export type Config = AuthoritySettings & {
  readonly host: string
  readonly port: number
  readonly logLevel: LogLevel
  /** Of stamps that ask for none; dotted. */
  readonly defaultPolicy: string
  /** That may be asked for. */
  readonly acceptedPolicies: readonly string[]
  /** Who asks for the certificate gets those above it too. */
  readonly includesChain: boolean
  readonly successStatus: 200 | 201
  readonly bodyLimitBytes: number
  readonly clock: ClockConfig
  /** Serves HTTPS with these, which are read again when they change. */
  readonly tls?: TlsFiles
  /** For others in this process. */
  readonly inside?: InsideDoor
  /** Undefined: `/metrics` is served beside the API. */
  readonly metricsPort?: number
  /** Addresses and ranges of proxies whose `X-Forwarded-For` is believed. */
  readonly trustedProxies?: readonly string[]
}

const oid = '[0-2](\\.(0|[1-9]\\d{0,17})){1,127}'
const ntpPort = 123

export const variables = Type.Object({
  TSA_HOST: Type.String({ default: '127.0.0.1', minLength: 1 }),
  TSA_PORT: portVariable({ default: 3004 }),
  TSA_DATA: pathVariable({ default: './tsa-data' }),
  TSA_ORGANIZATION: Type.String({ default: 'sigstack', minLength: 1, maxLength: 64 }),
  TSA_KEY: Type.Optional(pathVariable()),
  TSA_KEY_PASSWORD: Type.Optional(secret(Type.String({ maxLength: 4096 }))),
  TSA_CHAIN_FILE: Type.Optional(pathVariable()),
  TSA_TRUSTED_CHAINS_FILE: Type.Optional(pathVariable()),
  TSA_SIGN_TIMEOUT_MS: Type.Optional(Type.Integer({ minimum: 100, maximum: 60_000 })),
  TSA_DEFAULT_POLICY: Type.String({
    default: '1.3.6.1.4.1.57264.2',
    pattern: `^${oid}$`,
    maxLength: 500,
    description: 'an object identifier such as 1.3.6.1.4.1.57264.2',
  }),
  TSA_ACCEPTED_POLICIES: Type.String({
    default: '',
    pattern: `^(${oid}( *, *${oid})*)?$`,
    maxLength: 4096,
    description: 'object identifiers with commas between them',
  }),
  TSA_INCLUDE_CHAIN: Type.Union([Type.Literal('0'), Type.Literal('1')], { default: '0' }),
  TSA_SUCCESS_STATUS: Type.Union([Type.Literal('200'), Type.Literal('201')], { default: '200' }),
  TSA_BODY_LIMIT_BYTES: Type.Integer({ default: 1_048_576, minimum: 1024, maximum: 16_777_216 }),
  TSA_CLOCK_NTP_SERVERS: Type.String({
    default: '',
    pattern: '^([A-Za-z0-9.-]{1,253}(:\\d{1,5})?( *, *[A-Za-z0-9.-]{1,253}(:\\d{1,5})?){0,15})?$',
    maxLength: 4096,
    description: 'names or IPv4 addresses of at most 16 servers, with a port where it is not 123',
  }),
  TSA_CLOCK_NTP_ANSWERS: Type.Optional(Type.Integer({ minimum: 1, maximum: 16 })),
  TSA_CLOCK_CHECK_SECONDS: Type.Integer({ default: 60, minimum: 1, maximum: 3600 }),
  TSA_CLOCK_MAX_DIFFERENCE_MS: Type.Integer({ default: 1000, minimum: 10, maximum: 600_000 }),
  TSA_CLOCK_WHEN_UNSURE: Type.Union([Type.Literal('refuse'), Type.Literal('stamp')], { default: 'stamp' }),
  TSA_TLS_CERTIFICATE_FILE: Type.Optional(pathVariable()),
  TSA_TLS_KEY_FILE: Type.Optional(pathVariable()),
  TSA_METRICS_PORT: Type.Optional(portVariable()),
  TSA_TRUSTED_PROXIES: Type.String({ default: '', maxLength: 10_000 }),
  DATABASE_URL: Type.Optional(
    secret(Type.String({ pattern: '^postgres(ql)?://', maxLength: 4096, description: 'a postgresql: URL' })),
  ),
  LOG_LEVEL: logLevelVariable,
})

/** The only reader of the environment. Throws one error that names every bad variable. */
export function readConfig(environment: Environment): Config {
  const candidate = readEnvironment(environment, variables)
  const { attempt, throwAny } = collectComplaints()
  const ownAuthority = attempt(() => readOwnAuthority(candidate.TSA_KEY, candidate.TSA_CHAIN_FILE))
  const tls = attempt(() => tlsFilesOf('TSA', candidate.TSA_TLS_CERTIFICATE_FILE, candidate.TSA_TLS_KEY_FILE))
  const trustedProxies = attempt(() => parseRangeList(candidate.TSA_TRUSTED_PROXIES, 'TSA_TRUSTED_PROXIES'))
  const ntp = attempt(() => readNtp(candidate.TSA_CLOCK_NTP_SERVERS, candidate.TSA_CLOCK_NTP_ANSWERS))
  const databaseUrl = candidate.DATABASE_URL
  attempt(() => {
    if (
      candidate.TSA_CLOCK_WHEN_UNSURE === 'refuse' &&
      ntp?.ntpServers.length === 0 &&
      databaseUrl === undefined
    )
      throw new Error(
        'TSA_CLOCK_WHEN_UNSURE is refuse, but there is no clock to compare with; set TSA_CLOCK_NTP_SERVERS or DATABASE_URL',
      )
  })
  throwAny()
  const { TSA_KEY_PASSWORD: keyPassword } = candidate
  return {
    host: candidate.TSA_HOST,
    port: candidate.TSA_PORT,
    logLevel: candidate.LOG_LEVEL,
    dataFolder: candidate.TSA_DATA,
    ...(ownAuthority !== undefined && { ownAuthority }),
    ...(candidate.TSA_TRUSTED_CHAINS_FILE !== undefined && {
      trustedChainsPath: candidate.TSA_TRUSTED_CHAINS_FILE,
    }),
    ...(keyPassword !== undefined && { keyPassword }),
    ...(candidate.TSA_SIGN_TIMEOUT_MS !== undefined && { signTimeoutMs: candidate.TSA_SIGN_TIMEOUT_MS }),
    organization: candidate.TSA_ORGANIZATION,
    defaultPolicy: candidate.TSA_DEFAULT_POLICY,
    acceptedPolicies: [candidate.TSA_DEFAULT_POLICY, ...listOf(candidate.TSA_ACCEPTED_POLICIES)],
    includesChain: candidate.TSA_INCLUDE_CHAIN === '1',
    successStatus: candidate.TSA_SUCCESS_STATUS === '201' ? 201 : 200,
    bodyLimitBytes: candidate.TSA_BODY_LIMIT_BYTES,
    clock: {
      ...(ntp ?? { ntpServers: [], ntpAnswers: 0 }),
      ...(databaseUrl !== undefined && { databaseUrl }),
      checkSeconds: candidate.TSA_CLOCK_CHECK_SECONDS,
      maxDifferenceMs: candidate.TSA_CLOCK_MAX_DIFFERENCE_MS,
      whenUnsure: candidate.TSA_CLOCK_WHEN_UNSURE,
    },
    ...(tls !== undefined && { tls }),
    ...(candidate.TSA_METRICS_PORT !== undefined && { metricsPort: candidate.TSA_METRICS_PORT }),
    ...(trustedProxies !== undefined && trustedProxies.length > 0 && { trustedProxies }),
  }
}

/** Three of four, as upstream has it, and two of three: one server that is wrong does not decide. */
function readNtp(list: string, answers: number | undefined): Pick<ClockConfig, 'ntpServers' | 'ntpAnswers'> {
  const ntpServers = listOf(list).map((server) => {
    const [host = '', port] = server.split(':')
    return { host, port: port === undefined ? ntpPort : Number(port) }
  })
  const wrong = ntpServers.find(({ port }) => port < 1 || port > 65_535)
  if (wrong !== undefined) throw new Error(`TSA_CLOCK_NTP_SERVERS: ${wrong.port} is no port`)
  if (answers !== undefined && answers > ntpServers.length)
    throw new Error(
      `TSA_CLOCK_NTP_ANSWERS asks for ${answers} answers of ${ntpServers.length} servers in TSA_CLOCK_NTP_SERVERS`,
    )
  const { length } = ntpServers
  return {
    ntpServers,
    ntpAnswers: answers ?? (length < 3 ? length : length - Math.max(1, Math.floor(length / 4))),
  }
}

function readOwnAuthority(keyUri: string | undefined, chainPath: string | undefined): Config['ownAuthority'] {
  if (keyUri === undefined && chainPath === undefined) return undefined
  if (keyUri === undefined || chainPath === undefined)
    throw new Error('TSA_KEY and TSA_CHAIN_FILE belong together; set both or neither')
  return { keyUri, chainPath }
}
