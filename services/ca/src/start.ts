import { randomBytes } from 'node:crypto'
import { type Authority, chainEnd } from '@sigstack/ca-authority'
import { counted } from '@sigstack/crypto'
import { trustedProxies } from '@sigstack/limits'
import {
  createCleanups,
  createRegistry,
  type Logger,
  listen,
  listenMetrics,
  openCheckThread,
  readTlsFiles,
  startOrCleanUp,
  tellOfDigestVerification,
  tlsReload,
} from '@sigstack/server'
import { encodeCertificatePem } from '@sigstack/x509'
import { type CtLogNews, type CtLogPlace, createCtLogs } from './adapters/ct-logs.ts'
import { createIssuanceLimits } from './adapters/issuance-limits.ts'
import { createReadIssuerKeys } from './adapters/issuer-keys.ts'
import { createOidcProxyClient } from './adapters/oidc-proxy-client.ts'
import { buildApp } from './app.ts'
import { followAuthorities, openAuthorities } from './authorities.ts'
import { type Config, readIssuerConfig } from './config.ts'
import { createFindIssuer, type FindIssuer } from './identity/find-issuer.ts'
import type { IssuerConfig } from './identity/issuer-config.ts'
import { createMetrics, dueDays, measureCtLog, tellCtLogs } from './metrics.ts'
import { createReadiness } from './readiness.ts'
import { createReloads, type Reloads } from './reloads.ts'
import { createTokenVerifier } from './token/verify.ts'
import { noTracing, startTracing } from './tracing.ts'

export type StartOptions = {
  readonly logger: Logger
  /** False where several services share one process. */
  readonly processMetrics?: boolean
  /** In place of those of the settings where they are in this process too: asked for each certificate, as a rollover adds to them. */
  readonly ctLogs?: () => readonly CtLogPlace[]
}

export type RunningCa = {
  readonly url: string
  /** Issuing certificate first, root last; PEM with final line feed. */
  readonly chainPem: string
  stop(): Promise<void>
}

function chainPemOf({ chain }: Authority): string {
  return chain.map(({ der }) => encodeCertificatePem(der)).join('')
}

/** Wires the real adapters and listens. Waits neither for the CT log nor for the OIDC proxy: `/readyz` tells of them. */
export async function startCa(config: Config, options: StartOptions): Promise<RunningCa> {
  const { logger, ctLogs: places = () => config.ctLogs } = options
  const opened = await openAuthorities(config)
  const hasCtLog = places().length > 0
  warnAbout(config, { chainEnds: chainEnd(opened.issuing), hasCtLog }, logger)

  const registry = createRegistry({ processMetrics: options.processMetrics ?? true })
  await tellOfDigestVerification(logger, registry)
  const reloads = createReloads(registry, logger)
  const authorities = await followAuthorities(config, opened, reloads)
  const metrics = createMetrics(registry, authorities.chainEnds)
  const now = (): Date => new Date()
  const proxy = createOidcProxyClient(config.oidcProxyUrl)
  const ctLog = hasCtLog ? createCtLogs({ places, onNews: noteCtLog(logger) }) : undefined
  if (ctLog !== undefined) tellCtLogs(registry, ctLog)
  const limits = config.limits && createIssuanceLimits({ ...config.limits, onReachable: noteRedis(logger) })
  const tracing = config.traces === true ? await startTracing('sigstack-ca', logger) : noTracing
  const identity = await followIdentity(config, reloads, logger)
  const tls = config.tls === undefined ? undefined : await readTlsFiles(config.tls)
  const app = buildApp({
    issuance: {
      authenticate: createTokenVerifier({
        findIssuer: (issuerUrl) => identity().findIssuer(issuerUrl),
        readKeys: createReadIssuerKeys(
          proxy,
          () => performance.now(),
          config.issuerKeysKeepSeconds && config.issuerKeysKeepSeconds * 1000,
        ),
        now,
      }),
      authority: authorities.issuing,
      ctLog: ctLog && measureCtLog(ctLog, metrics),
      ...(limits !== undefined && { limits }),
      trace: tracing.trace,
      allowedAlgorithms: config.clientAlgorithms,
      now,
      randomBytes,
    },
    issuers: () => identity().issuers,
    trustedChains: authorities.others,
    metrics,
    logger,
    metricsRoute: config.metricsPort === undefined,
    readiness: createReadiness({
      authority: authorities.issuing,
      ctLog,
      proxy,
      now,
      notes: () => ({ ...reloads.checks(), ...(limits !== undefined && { limits: limits.state() }) }),
    }),
    tracing,
    ...(tls !== undefined && { tls }),
    ...(config.trustedProxies !== undefined && { trustProxy: trustedProxies(config.trustedProxies) }),
  })

  const cleanups = createCleanups()
  const checkThread = await openCheckThread()
  cleanups.add(() => checkThread.stop())
  cleanups.add(() => tracing.stop())
  cleanups.add(() => limits?.stop())
  cleanups.add(() => proxy.close())
  cleanups.add(() => ctLog?.close())
  // Begun issuances finish first: they still need the CT log.
  cleanups.add(() => app.close())
  cleanups.add(() => reloads.stop())
  const open = async (): Promise<RunningCa> => {
    if (config.metricsPort !== undefined) {
      const { host, metricsPort: port } = config
      const listening = await listenMetrics(registry, { host, port, portVariable: 'CA_METRICS_PORT' })
      cleanups.add(() => listening.stop())
    }
    if (tls !== undefined && config.tls !== undefined)
      await reloads.follow('tls', tlsReload(app, config.tls, tls))
    const { url } = await listen(app, {
      host: config.host,
      port: config.port,
      portVariable: 'CA_PORT',
      ...(config.inside !== undefined && { inside: config.inside }),
    })
    return { url, chainPem: chainPemOf(opened.issuing), stop: cleanups.run }
  }
  return startOrCleanUp(open, { cleanups, logger })
}

type Identity = IssuerConfig & { readonly findIssuer: FindIssuer }

/** The issuers that are accepted now: where they came from a file, as it is now or was when it last had no fault. */
async function followIdentity(config: Config, reloads: Reloads, logger: Logger): Promise<() => Identity> {
  const identityOf = (config: IssuerConfig): Identity => ({
    ...config,
    findIssuer: createFindIssuer(config.issuers),
  })
  const initial = identityOf(config.identity)
  const { identityFiles } = config
  const paths = [identityFiles?.path, identityFiles?.policyPath].filter((path) => path !== undefined)
  if (identityFiles === undefined || paths.length === 0) return () => initial
  const reloading = await reloads.follow('configuration', {
    paths: () => paths,
    initial,
    load: () => identityOf(readIssuerConfig(identityFiles)),
    onReload: (read) => warnAboutIssuers(read, logger),
  })
  return reloading.current
}

function warnAbout(
  config: Config,
  { chainEnds, hasCtLog }: { readonly chainEnds: Date; readonly hasCtLog: boolean },
  logger: Logger,
): void {
  const days = Math.floor((chainEnds.getTime() - Date.now()) / 86_400_000)
  if (days < dueDays)
    logger.warn(
      { chainEnds },
      `the CA's chain ends in ${counted(days, 'day', 'days')}; make its successor now`,
    )
  if (!hasCtLog)
    logger.warn(
      'THERE IS NO CT LOG (CA_CT_LOG_URL=none): nobody can see which certificates this CA issues, and clients that demand an SCT (sigstore-python, sigstore-java, sigstore-rs, cosign unless told otherwise) refuse them',
    )
  warnAboutIssuers(config.identity, logger)
}

function noteCtLog(logger: Logger): (news: CtLogNews) => void {
  return ({ failure, ...log }) => {
    if (failure === undefined) logger.info(log, 'the CT log takes certificates again')
    else
      logger.warn(
        { ...log, reason: failure.reason },
        failure.kind === 'closed' ? 'the CT log takes no certificates' : 'the CT log is away',
      )
  }
}

function noteRedis(logger: Logger): (reachable: boolean, reason?: string) => void {
  return (reachable, reason) => {
    if (reachable) logger.info('limits are counted in Redis')
    else logger.warn({ reason }, 'Redis is away; this replica counts limits for itself')
  }
}

function warnAboutIssuers({ issuers, notices = [] }: IssuerConfig, logger: Logger): void {
  for (const notice of notices) logger.warn(notice)
  for (const { url, kind, issuerType } of issuers) {
    if (kind.type === 'unknown')
      logger.warn(
        { issuer: url, type: issuerType },
        'nobody knows this type of issuer, so its tokens are refused',
      )
    if (kind.type === 'ci-provider' && kind.provider === undefined)
      logger.warn(
        { issuer: url, ciProvider: kind.providerName },
        'the CI provider of this issuer is not configured, so its tokens are refused',
      )
  }
}
