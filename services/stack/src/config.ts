/** The environment of the whole stack in one process, read once. */
import { type EgressProxy, readEgressProxy } from '@sigstack/oidc-proxy'
import { type LogLevel, readSecret } from '@sigstack/server'
import { Type } from 'typebox'
import { Value } from 'typebox/value'

export type Ports = {
  readonly ca: number
  readonly rekor: number
  readonly ct: number
  readonly oidcProxy: number
  readonly devIssuer: number
  readonly trust: number
}

export type Config = {
  /** Keys, database, published trust and endpoints.json live below it. */
  readonly dataDirectory: string
  /** Where the services listen, and the name in their URLs. */
  readonly host: string
  /** 0 takes any free port, another one at every start. */
  readonly ports: Ports
  readonly logLevel: LogLevel
  /** A PostgreSQL to use in place of the embedded one. */
  readonly databaseUrl?: string
  /** Without it the discovery cache is kept in memory. */
  readonly redisUrl?: string
  /** The trial issuer, which signs in anyone as anyone. */
  readonly trial: boolean
  /** False: certificates are in no CT log, and the published trust says so. */
  readonly ctLog: boolean
  /** Issuers that the CA accepts besides, in Fulcio's format. */
  readonly issuerConfigFile?: string
  /** Issuers that may resolve to private addresses. */
  readonly privateIssuers: readonly string[]
  /** What issuers are asked through. */
  readonly egressProxy?: EgressProxy
  /** In the certificates' names and in the signing config. */
  readonly organization: string
}

const port = (standard: number) => Type.Integer({ default: standard, minimum: 0, maximum: 65_535 })

const Environment = Type.Object({
  SIGSTACK_DATA: Type.String({ default: './.sigstack', minLength: 1 }),
  SIGSTACK_HOST: Type.String({ default: '127.0.0.1', pattern: '^[A-Za-z0-9.-]+$' }),
  SIGSTACK_CA_PORT: port(5555),
  SIGSTACK_REKOR_PORT: port(3000),
  SIGSTACK_CT_PORT: port(6962),
  SIGSTACK_OIDC_PROXY_PORT: port(5557),
  SIGSTACK_DEV_ISSUER_PORT: port(5558),
  SIGSTACK_TRUST_PORT: port(5559),
  SIGSTACK_TRIAL: Type.String({ default: '1', pattern: '^[01]$' }),
  SIGSTACK_CT_LOG: Type.String({ default: 'own', pattern: '^(own|none)$' }),
  SIGSTACK_CA_CONFIG_FILE: Type.Optional(Type.String({ minLength: 1 })),
  SIGSTACK_PRIVATE_ISSUERS: Type.String({ default: '' }),
  SIGSTACK_ORGANIZATION: Type.String({ default: 'sigstack', minLength: 1, maxLength: 64 }),
  LOG_LEVEL: Type.Enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], { default: 'info' }),
})

/** The variable that sets each port, for messages. */
export const portVariables = {
  ca: 'SIGSTACK_CA_PORT',
  rekor: 'SIGSTACK_REKOR_PORT',
  ct: 'SIGSTACK_CT_PORT',
  oidcProxy: 'SIGSTACK_OIDC_PROXY_PORT',
  devIssuer: 'SIGSTACK_DEV_ISSUER_PORT',
  trust: 'SIGSTACK_TRUST_PORT',
} as const satisfies Record<keyof Ports, string>

/** The only reader of the environment. Throws one error that names every bad variable. */
export function readConfig(environment: NodeJS.ProcessEnv): Config {
  const candidate = Value.Convert(Environment, Value.Default(Environment, { ...environment }))
  if (!Value.Check(Environment, candidate)) {
    const complaints = Value.Errors(Environment, candidate).map((error) =>
      `${error.instancePath.slice(1)} ${error.message}`.trim(),
    )
    throw new Error(`bad configuration: ${complaints.join('; ')}`)
  }
  const databaseUrl = readSecret(environment, 'DATABASE_URL')
  const redisUrl = readSecret(environment, 'REDIS_URL')
  const egressProxy = readEgressProxy(environment)
  const issuerConfigFile = candidate.SIGSTACK_CA_CONFIG_FILE
  const trial = candidate.SIGSTACK_TRIAL === '1'
  if (!trial && issuerConfigFile === undefined) {
    throw new Error(
      'bad configuration: without the trial issuer the CA needs issuers of yours; name their file in SIGSTACK_CA_CONFIG_FILE',
    )
  }
  return {
    dataDirectory: candidate.SIGSTACK_DATA,
    host: candidate.SIGSTACK_HOST,
    ports: {
      ca: candidate.SIGSTACK_CA_PORT,
      rekor: candidate.SIGSTACK_REKOR_PORT,
      ct: candidate.SIGSTACK_CT_PORT,
      oidcProxy: candidate.SIGSTACK_OIDC_PROXY_PORT,
      devIssuer: candidate.SIGSTACK_DEV_ISSUER_PORT,
      trust: candidate.SIGSTACK_TRUST_PORT,
    },
    logLevel: candidate.LOG_LEVEL,
    ...(databaseUrl !== undefined && databaseUrl !== '' && { databaseUrl }),
    ...(redisUrl !== undefined && redisUrl !== '' && { redisUrl }),
    trial,
    ctLog: candidate.SIGSTACK_CT_LOG === 'own',
    ...(issuerConfigFile !== undefined && { issuerConfigFile }),
    ...(egressProxy !== undefined && { egressProxy }),
    privateIssuers: candidate.SIGSTACK_PRIVATE_ISSUERS.split(',').filter((url) => url !== ''),
    organization: candidate.SIGSTACK_ORGANIZATION,
  }
}
