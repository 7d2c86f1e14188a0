/** Every service in this process, each on its own port and speaking HTTP with the others, over one database and one data folder. */
import { rm } from 'node:fs/promises'
import path from 'node:path'
import { type IssuerConfig, parseIssuerConfigText, startCa } from '@sigstack/ca'
import { defaultClientAlgorithms, parsePublicKeyPem } from '@sigstack/crypto'
import { type RunningDevIssuer, startDevIssuer } from '@sigstack/dev-issuer'
import { type FaceConfig, startLog } from '@sigstack/log'
import { startOidcProxy } from '@sigstack/oidc-proxy'
import { keepEmbeddedPostgres } from '@sigstack/postgres'
import { type Logger, replaceFile } from '@sigstack/server'
import { ensurePassword } from '@sigstack/signers'
import { defaultLifetimes, startTrust } from '@sigstack/trust'
import type { Config } from './config.ts'
import { type DataDirectory, prepareDataDirectory } from './data-directory.ts'
import { proxyIssuers, readIssuers, withTrialIssuer } from './issuers.ts'
import { choosePorts } from './ports.ts'

export type StackOptions = {
  readonly logger: Logger
  /** One line for a person at each step that may take longer than a moment. */
  readonly onProgress?: (message: string) => void
}

/** What a running stack writes into endpoints.json. */
export type Endpoints = {
  /** URL of each service by its name: `ca`, `rekor`, `trust`, `dev-issuer` and so on. */
  readonly services: Readonly<Record<string, string>>
  /** The issuer whose tokens this stack was tried with. */
  readonly issuer: string
  /** Stable URLs of the published trust. */
  readonly trust: {
    readonly trustedRoot: string
    readonly signingConfig: string
    readonly clientTrustConfig: string
    /** URL of the TUF repository. */
    readonly mirror: string
  }
  /** The same as files, and the keys that older clients want as files. */
  readonly files: Readonly<Record<string, string>>
}

export type RunningStack = {
  readonly endpoints: Endpoints
  readonly endpointsFile: string
  /** For people: version and where it runs. */
  readonly database: string
  stop(): Promise<void>
}

/**
 * Resolves when a client can sign. Throws one sentence when a port, the data folder, the database or a key cannot be had; what was
 * started by then is stopped again.
 */
export async function startStack(config: Config, options: StackOptions): Promise<RunningStack> {
  const cleanups: (() => Promise<void>)[] = []
  // Last started, first stopped: the database outlives everything that writes to it.
  const stop = async (): Promise<void> => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
  }
  try {
    return { ...(await startParts(config, options, cleanups)), stop }
  } catch (error) {
    await stop().catch((cause: unknown) => options.logger.error({ err: cause }, 'stopping failed'))
    throw error
  }
}

async function startParts(
  config: Config,
  { logger, onProgress = () => {} }: StackOptions,
  cleanups: (() => Promise<void>)[],
): Promise<Omit<RunningStack, 'stop'>> {
  const { host, logLevel, organization } = config
  const running = <T extends { stop(): Promise<void> }>(service: T): T => {
    cleanups.push(() => service.stop())
    return service
  }
  const of = (name: string): { logger: Logger; processMetrics: boolean } => ({
    logger: logger.child({ service: name }),
    processMetrics: false,
  })

  const data = await prepareDataDirectory(config.dataDirectory)
  const ports = await choosePorts(host, config.ports)
  const url = (port: number): string => `http://${host}:${port}`
  const password = await ensurePassword(path.join(data.keys, 'password'))

  onProgress('starting the database')
  const database = await openDatabase(config, data, onProgress, logger, (server) => running(server))

  onProgress('starting the services')
  const trialIssuer = config.trial ? url(ports.devIssuer) : undefined
  const { issuerConfigFile, privateIssuers } = config
  const identity = await readIssuers({ trialIssuer, file: issuerConfigFile })
  const parseIssuers = (text: string) => withTrialIssuer(parseIssuerConfigText(text), trialIssuer)
  const toProxy = (issuers: IssuerConfig) => proxyIssuers(issuers, { trialIssuer, privateIssuers })
  const devIssuer: RunningDevIssuer | undefined =
    trialIssuer === undefined
      ? undefined
      : running(
          await startDevIssuer(
            {
              host,
              port: ports.devIssuer,
              logLevel,
              issuer: trialIssuer,
              dataFolder: data.devIssuer,
              trial: true,
            },
            of('dev-issuer'),
          ),
        )
  const oidcProxy = running(
    await startOidcProxy(
      {
        host,
        port: ports.oidcProxy,
        logLevel,
        issuers: toProxy(identity),
        ...(issuerConfigFile !== undefined && {
          issuersFile: { path: issuerConfigFile, parse: (text: string) => toProxy(parseIssuers(text)) },
        }),
        ...(config.redisUrl !== undefined && { redisUrl: config.redisUrl }),
        ...(config.egressProxy !== undefined && { egressProxy: config.egressProxy }),
        cacheKeyPrefix: 'sigstack:oidc:',
        freshSeconds: 600,
        keepSeconds: 86_400,
        keyIdRefetchSeconds: 10,
      },
      of('oidc-proxy'),
    ),
  )

  const log = (face: FaceConfig, port: number, bodyLimitBytes: number) =>
    startLog(
      {
        face,
        host,
        port,
        hostname: host,
        databaseUrl: database.url,
        databaseConnections: 5,
        keyLocation: path.join(data.keys, `${face.face}.key.pem`),
        keyPassword: password,
        queueLimit: 10_000,
        bodyLimitBytes,
        logLevel,
      },
      of(face.face),
    )
  const ctFace: FaceConfig = {
    face: 'ct',
    prefix: '',
    // The CA starts after its log; its roots are read when the first chain comes.
    roots: { url: `${url(ports.ca)}/api/v1/rootCert` },
    extendedKeyUsages: ['1.3.6.1.5.5.7.3.3'],
  }
  const ct = config.ctLog ? running(await log(ctFace, ports.ct, 512 * 1024)) : undefined
  const rekor = running(await log({ face: 'rekor-v1' }, ports.rekor, 32 * 1024 * 1024))
  const ca = running(
    await startCa(
      {
        host,
        port: ports.ca,
        logLevel,
        dataFolder: data.ca,
        keyPassword: password,
        organization,
        identity,
        ...(issuerConfigFile !== undefined && {
          identityFile: { path: issuerConfigFile, parse: parseIssuers },
        }),
        oidcProxyUrl: oidcProxy.url,
        ctLogUrl: ct?.url,
        ctLogPublicKey: ct && parsePublicKeyPem(ct.publicKeyPem),
        clientAlgorithms: defaultClientAlgorithms,
      },
      of('ca'),
    ),
  )

  onProgress('publishing trust')
  const trust = running(
    await startTrust(
      {
        host,
        port: ports.trust,
        logLevel,
        dataDirectory: data.trust,
        publicUrls: {
          ca: ca.url,
          rekor: rekor.url,
          ct: ct?.url,
          oidcIssuer: trialIssuer ?? identity.issuers[0]?.url ?? '',
        },
        sources: { ca: { url: ca.url }, rekor: { url: rekor.url }, ct: ct && { url: ct.url } },
        operator: organization,
        // A rotation waits for it.
        refreshSeconds: 10,
        marginSeconds: 3600,
        tuf: {
          onlineKeyFile: path.join(data.keys, 'tuf-online.key.pem'),
          rootKeyFiles: [path.join(data.keys, 'tuf-root.key.pem')],
          formerRootKeyFiles: [],
          rootThreshold: 1,
          keyPassword: password,
          lifetimes: defaultLifetimes,
        },
      },
      of('trust'),
    ),
  )
  await trust.refresh()

  const endpoints: Endpoints = {
    services: {
      ca: ca.url,
      rekor: rekor.url,
      ...(ct !== undefined && { ct: ct.url }),
      'oidc-proxy': oidcProxy.url,
      ...(devIssuer !== undefined && { 'dev-issuer': devIssuer.url }),
      trust: trust.url,
    },
    issuer: trialIssuer ?? identity.issuers[0]?.url ?? '',
    trust: {
      trustedRoot: `${trust.url}/trusted_root.json`,
      signingConfig: `${trust.url}/signing_config.v0.2.json`,
      clientTrustConfig: `${trust.url}/trust_config.json`,
      mirror: trust.mirror ?? '',
    },
    files: trust.files,
  }
  await replaceFile(data.endpoints, `${JSON.stringify(endpoints, null, 2)}\n`)
  // Nobody should be sent to a stack that has stopped.
  cleanups.push(() => rm(data.endpoints, { force: true }))
  return { endpoints, endpointsFile: data.endpoints, database: database.description }
}

async function openDatabase(
  config: Config,
  data: DataDirectory,
  onProgress: (message: string) => void,
  logger: Logger,
  running: (server: { stop(): Promise<void> }) => unknown,
): Promise<{ url: string; description: string }> {
  if (config.databaseUrl !== undefined)
    return { url: config.databaseUrl, description: 'the one in DATABASE_URL' }
  const server = await keepEmbeddedPostgres({
    dataDirectory: data.postgres,
    onProgress,
    onTrouble: (error) => logger.error({ err: error }, 'the database has ended and is started again'),
    onReturn: () => logger.info('the database is up again'),
  })
  running(server)
  return { url: server.connectionString, description: `PostgreSQL ${server.version} in ${data.postgres}` }
}
