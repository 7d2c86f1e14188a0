/**
 * What each service is told. Every service reads its settings itself, by its own reader from the same environment, so whatever it
 * can be set to works in one process too; but for the few things that hold the stack together, which are decided here.
 */
import { isIP } from 'node:net'
import {
  type Config as CaConfig,
  variables as caVariables,
  type IssuerConfig,
  parseIssuerConfigText,
  readConfig as readCa,
} from '@sigstack/ca'
import {
  type Config as ConsoleConfig,
  variables as consoleVariables,
  readConfig as readConsole,
} from '@sigstack/console'
import {
  type Config as DevIssuerConfig,
  variables as devIssuerVariables,
  readConfig as readDevIssuer,
} from '@sigstack/dev-issuer'
import { type LogConfig, variables as logVariables, readConfig as readLog } from '@sigstack/log'
import {
  type Config as MonitorConfig,
  variables as monitorVariables,
  readConfig as readMonitor,
} from '@sigstack/monitor'
import {
  type Config as OidcProxyConfig,
  variables as oidcProxyVariables,
  readConfig as readOidcProxy,
} from '@sigstack/oidc-proxy'
import {
  collectComplaints,
  type Environment,
  type InsideDoor,
  isLoopback,
  isSet,
  SettingsError,
  urlOf,
} from '@sigstack/server'
import {
  readConfig as readTrust,
  type Config as TrustConfig,
  variables as trustVariables,
} from '@sigstack/trust'
import { readConfig as readTsa, type Config as TsaConfig, variables as tsaVariables } from '@sigstack/tsa'
import {
  readConfig as readWitness,
  type Config as WitnessConfig,
  variables as witnessVariables,
} from '@sigstack/witness'
import type { TObject } from 'typebox'
import type { Config, Ports } from './config.ts'
import type { DataDirectory } from './data-directory.ts'
import { decidedHere } from './decided-here.ts'
import { proxyIssuers, withTrialIssuer } from './issuers.ts'
import { layered } from './layers.ts'
import { trialIssuersFile } from './own-console.ts'
import { monitorLogsFile } from './own-monitor.ts'
import { witnessFiles } from './own-witness.ts'
import { originOf, type PublicService, publicUrlOf, reachable } from './public-urls.ts'

export type Places = {
  readonly data: DataDirectory
  /** Of the keys that the stack makes. */
  readonly password: string
  readonly ports: Ports
  /** Free ports on loopback, for services that speak TLS to clients. */
  readonly insidePorts?: Readonly<Record<InsideService, number>>
  /** Undefined: not known yet. */
  readonly databaseUrl?: string
}
export type InsideService = Exclude<PublicService, 'devIssuer'>

export type Services = {
  readonly ca: CaConfig
  readonly rekor: LogConfig | undefined
  readonly rekorV2: LogConfig | undefined
  readonly ct: LogConfig | undefined
  readonly oidcProxy: OidcProxyConfig
  readonly trust: TrustConfig
  readonly tsa: TsaConfig | undefined
  readonly witness: WitnessConfig | undefined
  readonly devIssuer: DevIssuerConfig | undefined
  /** Its URL of a witness is put in when that runs. */
  readonly console: ConsoleConfig | undefined
  readonly monitor: MonitorConfig | undefined
  /** How the services, and commands on this machine, reach them. */
  readonly insideUrls: Readonly<Record<InsideService, string>>
  readonly publicUrls: Readonly<Record<InsideService, string>>
  /** Where each listens for clients on this machine. */
  readonly listenUrls: Readonly<Record<InsideService, string>>
}

/** What others in this process ask: by a door of its own where clients come by TLS. */
type Reached = { readonly tls?: unknown; readonly inside?: InsideDoor }

/** Throws a `SettingsError` with everything that the services complain of. */
export function composeServices(config: Config, places: Places): Services {
  const { attempt, throwAny } = collectComplaints()
  const { environment, host, trial, ctLog, privateIssuers, issuerConfigFile } = config
  const { data, ports, password, databaseUrl = 'postgresql://not-yet-known' } = places
  const read = <T>(
    reader: (own: Environment) => T,
    schema: TObject,
    standard: Environment,
    decided: Environment,
  ) => {
    const nothing = decidedHere.find((each) => each.schema === schema)?.variables ?? {}
    const unset = Object.fromEntries(Object.keys(nothing).map((name) => [name, undefined]))
    return attempt(() =>
      reader(layered(environment, schema, { standard, decided: { ...unset, ...decided } })),
    )
  }

  const publicUrl = (service: PublicService) => publicUrlOf(service, ports[service], config)
  const trialIssuer = trial ? publicUrl('devIssuer') : undefined
  const withTrial = (own: IssuerConfig) => withTrialIssuer(own, trialIssuer)
  const insideHost = loopbackOf(host)
  const tls: Readonly<Record<string, string>> =
    config.tls === undefined ? {} : { CERTIFICATE: config.tls.certificatePath, KEY: config.tls.keyPath }
  const tlsOf = (prefix: string): Environment => ({
    [`${prefix}_TLS_CERTIFICATE_FILE`]: tls['CERTIFICATE'],
    [`${prefix}_TLS_KEY_FILE`]: tls['KEY'],
  })

  const configVariable = isSet(environment['SIGSTACK_CA_CONFIG_FILE'])
    ? 'SIGSTACK_CA_CONFIG_FILE'
    : 'CA_CONFIG_FILE'
  const oidcProxyUrl = urlOf(insideHost, ports.oidcProxy)
  const ca = read(
    (own) => readCa(own, { withIssuers: withTrial, configVariable }),
    caVariables,
    { CA_KEY_PASSWORD: password, CA_ORGANIZATION: config.organization, ...tlsOf('CA') },
    {
      CA_HOST: host,
      CA_PORT: String(ports.ca),
      CA_DATA: data.ca,
      CA_CONFIG_FILE: issuerConfigFile,
      OIDC_PROXY_URL: oidcProxyUrl,
      // Its URL and key are put in when it runs.
      CA_CT_LOG_URL: 'none',
    },
  )

  const log = (face: LogConfig['face']['face'], service: 'rekor' | 'rekorV2' | 'ct', more: Environment) =>
    read(
      readLog,
      logVariables,
      {
        LOG_KEY: keyOf(data, face),
        LOG_KEYS: data.keys,
        LOG_KEY_PASSWORD: password,
        // The logs share one process and one database.
        LOG_DATABASE_CONNECTIONS: '5',
        LOG_WITNESS_POLICY_FILE: config.witness ? witnessFiles(data.witness).policy : undefined,
        ...tlsOf('LOG'),
      },
      {
        LOG_FACE: face,
        LOG_HOST: host,
        LOG_PORT: String(ports[service]),
        LOG_HOSTNAME: new URL(publicUrl(service)).hostname.replace(/^\[(.*)\]$/, '$1'),
        DATABASE_URL: databaseUrl,
        ...more,
      },
    )
  const rekor = config.rekorV1 ? log('rekor-v1', 'rekor', {}) : undefined
  attempt(() => assertTellsKeys(rekor))
  // What can be one log's alone is Rekor's, and of two that of v1. Keys are named for v1 only, since logs must not share one.
  const ofOneLog = { LOG_METRICS_PORT: undefined, LOG_BODY_LIMIT_BYTES: undefined }
  const rekorV2 = config.rekorV2
    ? log('rekor-v2', 'rekorV2', { LOG_KEY: keyOf(data, 'rekor-v2'), ...(config.rekorV1 && ofOneLog) })
    : undefined
  const insideUrlOf = (service: InsideService, of: Reached | undefined): string =>
    of?.tls === undefined
      ? urlOf(reachable(host), ports[service])
      : urlOf(insideHost, places.insidePorts?.[service] ?? 0)
  const ct = ctLog
    ? log('ct', 'ct', {
        // The CA starts after its log; its roots are read when the first chain comes.
        CT_ROOTS_URL: `${insideUrlOf('ca', ca)}/api/v1/rootCert`,
        CT_ORIGIN: originOf(publicUrl('ct')),
        LOG_KEY: keyOf(data, 'ct'),
        ...ofOneLog,
        // The CA of this stack comes from here, and issues for everybody.
        LOG_UNLIMITED_ADDRESSES: [environment['LOG_UNLIMITED_ADDRESSES'], ...addressesOf(host)]
          .filter(isSet)
          .join(','),
      })
    : undefined

  const toProxy = (issuers: IssuerConfig) => proxyIssuers(issuers, { trialIssuer, privateIssuers })
  const parse = (text: string) => toProxy(withTrial(parseIssuerConfigText(text)))
  const issuers = {
    issuers: toProxy(ca?.identity ?? { issuers: [] }),
    ...(issuerConfigFile !== undefined && { issuersFile: { path: issuerConfigFile, parse } }),
    howToPermit: 'if this issuer is meant to be there, name it in SIGSTACK_PRIVATE_ISSUERS',
  }
  const oidcProxy = read(
    (own) => readOidcProxy(own, { issuers }),
    oidcProxyVariables,
    { OIDC_ISSUER_TOKEN_FILE: config.issuerTokenFile, OIDC_ISSUER_CA_FILE: config.issuerCaFile },
    { OIDC_PROXY_HOST: insideHost, OIDC_PROXY_PORT: String(ports.oidcProxy) },
  )

  const tsa = config.tsa
    ? read(
        readTsa,
        tsaVariables,
        { TSA_KEY_PASSWORD: password, TSA_ORGANIZATION: config.organization, ...tlsOf('TSA') },
        { TSA_HOST: host, TSA_PORT: String(ports.tsa), TSA_DATA: data.tsa, DATABASE_URL: databaseUrl },
      )
    : undefined

  const { hostname } = new URL(publicUrl('rekor'))
  const witness = config.witness
    ? read(
        readWitness,
        witnessVariables,
        {
          WITNESS_KEY_PASSWORD: password,
          // Nobody but the logs asks it, and they are told where it is.
          WITNESS_PORT: '0',
          WITNESS_NAME: `witness.${hostname.replaceAll(/[^A-Za-z0-9.-]/g, '-')}`,
          WITNESS_DATABASE_CONNECTIONS: '2',
        },
        {
          WITNESS_HOST: insideHost,
          WITNESS_DATA: data.witness,
          WITNESS_LOGS_FILE: witnessFiles(data.witness).logs,
          DATABASE_URL: databaseUrl,
        },
      )
    : undefined

  const oidcIssuer = issuerForClients(ca?.identity ?? { issuers: [] }, trialIssuer)
  const trust = read(
    readTrust,
    trustVariables,
    {
      TRUST_OPERATOR: config.organization,
      // A rotation waits for it.
      TRUST_REFRESH_SECONDS: '10',
      TUF_ONLINE_KEY_FILE: `${data.keys}/tuf-online.key.pem`,
      TUF_KEY_PASSWORD: password,
      ...tlsOf('TRUST'),
    },
    {
      TRUST_HOST: host,
      TRUST_PORT: String(ports.trust),
      TRUST_DATA: data.trust,
      PUBLIC_CA_URL: publicUrl('ca'),
      PUBLIC_REKOR_URL: config.rekorV1 ? publicUrl('rekor') : 'none',
      PUBLIC_REKOR_V2_URL: config.rekorV2 ? publicUrl('rekorV2') : undefined,
      PUBLIC_CT_URL: ctLog ? publicUrl('ct') : 'none',
      PUBLIC_OIDC_ISSUER: oidcIssuer === '' ? 'http://none' : oidcIssuer,
      CA_URL: insideUrlOf('ca', ca),
      REKOR_URL: config.rekorV1 ? insideUrlOf('rekor', rekor) : undefined,
      REKOR_V2_URL: config.rekorV2 ? insideUrlOf('rekorV2', rekorV2) : undefined,
      CT_URL: ctLog ? insideUrlOf('ct', ct) : undefined,
      PUBLIC_TSA_URL: config.tsa ? publicUrl('tsa') : undefined,
      TSA_URL: config.tsa ? insideUrlOf('tsa', tsa) : undefined,
    },
  )

  const trustUrl = insideUrlOf('trust', trust)
  const monitor = config.monitor
    ? read(
        readMonitor,
        monitorVariables,
        {
          // Where it is stands in endpoints.json.
          MONITOR_PORT: '0',
          MONITOR_DATABASE_CONNECTIONS: '2',
          // Whoever signs goes first.
          MONITOR_READ_SHARE_PERCENT: '5',
        },
        {
          MONITOR_HOST: insideHost,
          MONITOR_LOGS_FILE: monitorLogsFile(data.monitor),
          MONITOR_TRUSTED_ROOT_URL: `${trustUrl}/trusted_root.json`,
          DATABASE_URL: databaseUrl,
        },
      )
    : undefined

  const consoleConfig = config.console
    ? read(
        readConsole,
        consoleVariables,
        {
          CONSOLE_TITLE: config.organization,
          CONSOLE_PUBLIC_URL: publicUrl('console'),
          CONSOLE_ISSUERS_FILE: trial ? trialIssuersFile(data.console) : undefined,
          ...tlsOf('CONSOLE'),
        },
        {
          CONSOLE_HOST: host,
          CONSOLE_PORT: String(ports.console),
          CONSOLE_REKOR_URL: config.rekorV1 ? insideUrlOf('rekor', rekor) : undefined,
          CONSOLE_REKOR_V2_URL: config.rekorV2 ? insideUrlOf('rekorV2', rekorV2) : undefined,
          CONSOLE_CT_URL: ctLog ? insideUrlOf('ct', ct) : undefined,
          CONSOLE_CA_URL: insideUrlOf('ca', ca),
          CONSOLE_TSA_URL: config.tsa ? insideUrlOf('tsa', tsa) : undefined,
          CONSOLE_TRUST_URL: trustUrl,
          CONSOLE_OIDC_PROXY_URL: oidcProxyUrl,
          CONSOLE_MONITOR_TOKEN: monitor?.token,
        },
      )
    : undefined

  const devIssuer = trial
    ? read(
        readDevIssuer,
        devIssuerVariables,
        {},
        {
          SIGSTACK_TRIAL: '1',
          DEV_ISSUER_HOST: host,
          DEV_ISSUER_PORT: String(ports.devIssuer),
          DEV_ISSUER_DATA: data.devIssuer,
          DEV_ISSUER_URL: trialIssuer,
        },
      )
    : undefined
  throwAny()
  if (ca === undefined || oidcProxy === undefined || trust === undefined)
    throw new Error('a service was not read')

  const withInside = <Of extends Reached>(service: InsideService, of: Of): Of =>
    of.tls === undefined || places.insidePorts === undefined
      ? of
      : { ...of, inside: { host: insideHost, port: places.insidePorts[service] } }
  const reached = { ca, rekor, rekorV2, ct, trust, tsa, console: consoleConfig }
  const each = <T>(make: (service: InsideService) => T): Readonly<Record<InsideService, T>> => ({
    ca: make('ca'),
    rekor: make('rekor'),
    rekorV2: make('rekorV2'),
    ct: make('ct'),
    trust: make('trust'),
    tsa: make('tsa'),
    console: make('console'),
  })
  return {
    ca: withInside('ca', ca),
    rekor: rekor && withInside('rekor', rekor),
    rekorV2: rekorV2 && withInside('rekorV2', rekorV2),
    ct: ct && withInside('ct', ct),
    oidcProxy,
    trust: withInside('trust', {
      ...trust,
      ...(trust.tuf !== undefined && { tuf: { ...trust.tuf, ...rootKeysOf(environment, data) } }),
      oidcIssuer,
    }),
    tsa: tsa && withInside('tsa', tsa),
    witness,
    monitor,
    devIssuer,
    console: consoleConfig && withInside('console', consoleConfig),
    insideUrls: each((service) => insideUrlOf(service, reached[service])),
    publicUrls: each(publicUrl),
    listenUrls: each((service) =>
      urlOf(reachable(host), ports[service], reached[service]?.tls === undefined ? 'http' : 'https'),
    ),
  }
}

/** What others in this process ask the log for. */
function assertTellsKeys(rekor: LogConfig | undefined): void {
  const enabled = rekor?.face.face === 'rekor-v1' ? rekor.face.enabledEndpoints : undefined
  const missing = ['getPublicKey', 'getPublicKeys'].filter((id) => enabled?.includes(id) === false)
  if (missing.length > 0)
    throw new SettingsError([
      `LOG_ENABLED_ENDPOINTS leaves out ${missing.join(' and ')}, by which trust learns the keys of this log`,
    ])
}

/** From which others in this process come. */
function addressesOf(host: string): readonly string[] {
  const own = reachable(host)
  return isIP(own) === 0 ? ['loopback'] : ['loopback', own]
}

/** Where others in this process, and nobody else, reach it. */
export function loopbackOf(host: string): string {
  const near = reachable(host)
  return isLoopback(near) ? near : '127.0.0.1'
}

/** Not by the variable, which is a list with commas between: a data folder may have one in its name. */
function rootKeysOf(environment: Environment, { keys }: DataDirectory): { rootKeyFiles?: readonly string[] } {
  return isSet(environment['TUF_ROOT_KEY_FILES']) ? {} : { rootKeyFiles: [`${keys}/tuf-root.key.pem`] }
}

function keyOf(data: DataDirectory, face: string): string {
  return `${data.keys}/${face}.key.pem`
}

/** Clients are sent to an issuer of the operator's where there is one, and never to the trial issuer beside it. */
function issuerForClients({ issuers }: IssuerConfig, trialIssuer: string | undefined): string {
  const own = issuers.filter(({ url }) => url !== trialIssuer)
  return (own.find(({ url }) => !url.includes('*')) ?? own[0])?.url ?? trialIssuer ?? ''
}
