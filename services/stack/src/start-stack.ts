/** Every service in this process, each on its own port and speaking HTTP with the others, over one database and one data folder. */
import { readdir, rm } from 'node:fs/promises'
import path from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { type Config as CaConfig, startCa } from '@sigstack/ca'
import { startDevIssuer } from '@sigstack/dev-issuer'
import { startLog } from '@sigstack/log'
import { startOidcProxy } from '@sigstack/oidc-proxy'
import { keepEmbeddedPostgres } from '@sigstack/postgres'
import {
  type Cleanups,
  createCleanups,
  type Logger,
  readTlsFiles,
  replaceFile,
  startOrCleanUp,
  urlOf,
} from '@sigstack/server'
import { ensurePassword, openKeysAhead } from '@sigstack/signers'
import { startTrust } from '@sigstack/trust'
import { startTsa } from '@sigstack/tsa'
import { adviseOnSettings } from './advice.ts'
import { composeServices, type Services } from './compose/compose-services.ts'
import type { Config, Ports } from './config.ts'
import { type DataDirectory, prepareDataDirectory } from './data-directory.ts'
import { startOwnConsole } from './own-console.ts'
import { ownCtLogs } from './own-ct-logs.ts'
import { startOwnMonitor } from './own-monitor.ts'
import { introduceLogs, startOwnWitness } from './own-witness.ts'
import { choosePorts, freeInsidePorts } from './ports.ts'
import { loopbackOf, reachable } from './public-urls.ts'

export type StackOptions = {
  readonly logger: Logger
  /** One line for a person at each step that may take longer than a moment. */
  readonly onProgress?: (message: string) => void
  /** Aborted: the start goes no step further, takes down what it had started and throws the signal's reason. */
  readonly signal?: AbortSignal
}

/** What a running stack writes into endpoints.json. */
export type Endpoints = {
  /** URL of each service by its name, as it is reached from this machine: `ca`, `rekor`, `trust`, `dev-issuer` and so on. */
  readonly services: Readonly<Record<string, string>>
  /** As clients elsewhere reach those that they need, as the published files say; left out where that is the same. */
  readonly public?: Readonly<Record<string, string>>
  /** The issuer whose tokens this stack was tried with. */
  readonly issuer: string
  /** Stable URLs of the published trust, from this machine. */
  readonly trust: {
    readonly trustedRoot: string
    readonly signingConfig: string
    readonly clientTrustConfig: string
    /** URL of the TUF repository. */
    readonly mirror: string
  }
  /** The same as files, and the keys that older clients want as files. */
  readonly files: Readonly<Record<string, string>>
  /** What the CA runs with, for those who want to know what it would say. */
  readonly identity?: IdentitySources
}

/** Whole paths: readers have working directories of their own. */
export type IdentitySources = {
  readonly configFile?: string
  readonly policyFile?: string
  readonly trialIssuer?: string
}

export type RunningStack = {
  readonly endpoints: Endpoints
  readonly endpointsFile: string
  /** URL of each service by its name, where clients on this machine meet it: behind TLS of its own, not the plain way of its neighbours. */
  readonly listening: Readonly<Record<string, string>>
  /** For people: version and where it runs. */
  readonly database: string
  stop(): Promise<void>
}

/**
 * Resolves when a client can sign. Throws one sentence when a port, the data folder, the database or a key cannot be had; what was
 * started by then is stopped again.
 */
export async function startStack(config: Config, options: StackOptions): Promise<RunningStack> {
  // Last started, first stopped: the database outlives everything that writes to it.
  const cleanups = createCleanups()
  const parts = await startOrCleanUp(() => startParts(config, options, cleanups), {
    cleanups,
    logger: options.logger,
  })
  return { ...parts, stop: cleanups.run }
}

async function startParts(
  config: Config,
  { logger, onProgress = () => {}, signal }: StackOptions,
  cleanups: Cleanups,
): Promise<Omit<RunningStack, 'stop'>> {
  const running = <T extends { stop(): Promise<void> }>(service: T): T => {
    cleanups.add(() => service.stop())
    signal?.throwIfAborted()
    return service
  }
  const of = (name: string): { logger: Logger; processMetrics: boolean } => ({
    logger: logger.child({ service: name }),
    processMetrics: false,
  })
  for (const advice of adviseOnSettings(config)) logger.warn(advice)

  // Before anything is made: each service reads them again for itself.
  if (config.tls !== undefined) await readTlsFiles(config.tls)
  const data = await prepareDataDirectory(config.dataDirectory)
  const ports = await choosePorts({ ports: config.ports, hosts: hostsOf(config) })
  const insidePorts = await freeInsidePorts(loopbackOf(config.host), ports)
  const password = await ensurePassword(path.join(data.keys, 'password'))
  const keys = await openKeysAhead(await keyFilesOf(data), password)
  cleanups.add(async () => keys.close())

  const database = await openDatabase(config, data, onProgress, logger, (server) => running(server))

  onProgress('starting the services')
  const services = composeServices(config, { data, ports, insidePorts, password, databaseUrl: database.url })
  const { insideUrls } = services
  const devIssuer = services.devIssuer && running(await startDevIssuer(services.devIssuer, of('dev-issuer')))
  const oidcProxy = running(await startOidcProxy(services.oidcProxy, of('oidc-proxy')))
  const witness = services.witness && running(await startOwnWitness(services.witness, of('witness')))
  const ct = services.ct && running(await startLog(services.ct, of('ct')))
  // The first of these is the one that tells of the process.
  const rekor =
    services.rekor && running(await startLog(services.rekor, { ...of('rekor-v1'), processMetrics: true }))
  const rekorV2 =
    services.rekorV2 &&
    running(await startLog(services.rekorV2, { ...of('rekor-v2'), processMetrics: rekor === undefined }))
  if (witness !== undefined)
    await introduceLogs(
      data.witness,
      [rekor, rekorV2, ct].flatMap((log) => log?.logs() ?? []),
    )
  running(
    await startCa(services.ca, {
      ...of('ca'),
      ...(ct !== undefined && { ctLogs: ownCtLogs(ct, insideUrls.ct) }),
    }),
  )

  const tsa = services.tsa && running(await startTsa(services.tsa, of('tsa')))

  onProgress('publishing trust')
  const trust = running(await startTrust(services.trust, of('trust')))
  await trust.refresh()
  const mirror =
    trust.mirror === undefined ? undefined : `${insideUrls.trust}${new URL(trust.mirror).pathname}`
  const monitor =
    services.monitor &&
    running(
      await startOwnMonitor({ ...services.monitor, tufUrl: mirror }, of('monitor'), services, {
        rekorV2: rekorV2?.logs() ?? [],
        ct: ct?.logs() ?? [],
      }),
    )
  const pages =
    services.console &&
    running(
      await startOwnConsole(
        {
          ...services.console,
          urls: {
            ...services.console.urls,
            ...(witness !== undefined && { witness: witness.url }),
            ...(monitor !== undefined && { monitor: monitor.url }),
          },
        },
        of('console'),
        { folder: data.console, trialIssuer: devIssuer?.issuer },
      ),
    )
  keys.close()
  signal?.throwIfAborted()

  const urlsOf = (urls: Services['publicUrls']) => ({
    // Where people look comes first.
    ...(pages !== undefined && { console: urls.console }),
    ca: urls.ca,
    ...(rekor !== undefined && { rekor: urls.rekor }),
    ...(rekorV2 !== undefined && { 'rekor-v2': urls.rekorV2 }),
    ...(ct !== undefined && { ct: urls.ct }),
    ...(tsa !== undefined && { tsa: urls.tsa }),
  })
  const { publicUrls, listenUrls } = services
  const others = {
    'oidc-proxy': oidcProxy.url,
    ...(witness !== undefined && { witness: witness.url }),
    ...(monitor !== undefined && { monitor: monitor.url }),
    ...(devIssuer !== undefined && { 'dev-issuer': urlOf(reachable(config.host), ports.devIssuer) }),
  }
  const endpoints: Endpoints = {
    services: {
      ...urlsOf(insideUrls),
      ...others,
      trust: insideUrls.trust,
    },
    ...(!isDeepStrictEqual(publicUrls, insideUrls) && {
      public: { ...urlsOf(publicUrls), trust: publicUrls.trust },
    }),
    issuer: devIssuer?.issuer ?? services.trust.oidcIssuer,
    trust: {
      trustedRoot: `${insideUrls.trust}/trusted_root.json`,
      signingConfig: `${insideUrls.trust}/signing_config.v0.2.json`,
      clientTrustConfig: `${insideUrls.trust}/trust_config.json`,
      mirror: mirror ?? '',
    },
    files: trust.files,
    identity: identitySources(services.ca.identityFiles, devIssuer?.issuer),
  }
  await replaceFile(data.endpoints, `${JSON.stringify(endpoints, null, 2)}\n`)
  // Nobody should be sent to a stack that has stopped.
  cleanups.add(() => rm(data.endpoints, { force: true }))
  return {
    endpoints,
    endpointsFile: data.endpoints,
    listening: { ...urlsOf(listenUrls), ...others, trust: listenUrls.trust },
    database: database.description,
  }
}

function identitySources(files: CaConfig['identityFiles'], trialIssuer: string | undefined): IdentitySources {
  return {
    ...(files?.path !== undefined && { configFile: path.resolve(files.path) }),
    ...(files?.policyPath !== undefined && { policyFile: path.resolve(files.policyPath) }),
    ...(trialIssuer !== undefined && { trialIssuer }),
  }
}

/** Those that the services will ask for, but for an authority that was made later; to be opened while the database starts. */
async function keyFilesOf({ keys, ca, tsa }: DataDirectory): Promise<readonly string[]> {
  const names = (await readdir(keys)).filter((name) => name.endsWith('.key.pem')).sort()
  return [
    ...names.map((name) => path.join(keys, name)),
    path.join(ca, 'intermediate.key.pem'),
    path.join(tsa, 'authorities/0-first/key.pem'),
  ]
}

/** Where each service that runs listens. */
function hostsOf(config: Config): Readonly<Record<keyof Ports, string | undefined>> {
  const { host, rekorV1, rekorV2, ctLog, tsa, trial } = config
  return {
    ca: host,
    rekor: rekorV1 ? host : undefined,
    rekorV2: rekorV2 ? host : undefined,
    ct: ctLog ? host : undefined,
    // Only the CA asks it.
    oidcProxy: loopbackOf(host),
    devIssuer: trial ? host : undefined,
    trust: host,
    tsa: tsa ? host : undefined,
    console: config.console ? host : undefined,
  }
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
  onProgress('starting the database')
  const server = await keepEmbeddedPostgres({
    dataDirectory: data.postgres,
    onProgress,
    onTrouble: (error) => logger.error({ err: error }, 'the database has ended and is started again'),
    onReturn: () => logger.info('the database is up again'),
  })
  running(server)
  return { url: server.connectionString, description: `PostgreSQL ${server.version} in ${data.postgres}` }
}
