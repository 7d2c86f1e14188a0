import { randomBytes } from 'node:crypto'
import {
  authorityOptions,
  chainEnd,
  openStampAuthorities,
  type StampAuthorities,
  stampAuthorityPaths,
} from '@sigstack/ca-authority'
import { reasonOf } from '@sigstack/crypto'
import { trustedProxies } from '@sigstack/limits'
import { createPool } from '@sigstack/postgres'
import {
  type Cleanups,
  createCleanups,
  createRegistry,
  followTls,
  type Logger,
  listen,
  listenMetrics,
  type Reloading,
  readTlsFiles,
  reloadFromFiles,
  tellOfDigestVerification,
} from '@sigstack/server'
import { type Certificate, encodeCertificatePem } from '@sigstack/x509'
import { buildApp } from './app.ts'
import { type ClockGuard, createClockGuard, type OtherClock } from './clock/clock-guard.ts'
import { databaseClock } from './clock/database-clock.ts'
import { ntpClock } from './clock/ntp-clock.ts'
import type { Config } from './config.ts'
import { createMetrics, dueDays, type TsaMetrics } from './metrics.ts'
import { createReadiness } from './readiness.ts'
import { createIssueStamp } from './stamping/issue-stamp.ts'

export type StartOptions = {
  readonly logger: Logger
  /** False where several services share one process. */
  readonly processMetrics?: boolean
}

export type RunningTsa = {
  readonly url: string
  /** Signing certificate first, root last; PEM with final line feed. */
  readonly chainPem: string
  stop(): Promise<void>
}

/** Wires the real adapters and listens. */
export async function startTsa(config: Config, options: StartOptions): Promise<RunningTsa> {
  const { logger } = options
  const initial = await openStampAuthorities(authorityOptions(config))
  warnAbout(chainEnd(initial.stamping), logger)
  const cleanups = createCleanups()
  try {
    const registry = createRegistry({ processMetrics: options.processMetrics ?? true })
    await tellOfDigestVerification(logger, registry)
    const authorities = await followAuthorities(config, initial, logger)
    cleanups.add(async () => authorities.stop())
    const stamping = () => authorities.current().stamping
    const metrics = createMetrics(registry, () => chainEnd(stamping()))
    const clock = await startClock(config, { logger, metrics, cleanups })
    const now = () => new Date()
    const tls = config.tls && (await readTlsFiles(config.tls))
    const app = buildApp({
      issueStamp: createIssueStamp({
        authority: stamping,
        defaultPolicy: config.defaultPolicy,
        acceptedPolicies: config.acceptedPolicies,
        includesChain: config.includesChain,
        demandClock: clock.demand,
        now,
        randomBytes,
      }),
      successStatus: config.successStatus,
      bodyLimitBytes: config.bodyLimitBytes,
      chainPem: () => pemsOf(stamping().chain).join(''),
      trustedChains: () => [stamping().chain, ...authorities.current().others].map(pemsOf),
      metrics,
      logger,
      metricsRoute: config.metricsPort === undefined,
      readiness: createReadiness({
        authority: stamping,
        clock,
        now,
        notes: () => {
          const fault = authorities.fault()
          return {
            authorities: fault === undefined ? 'ok' : `changed files refused: ${fault}`.slice(0, 2_000),
          }
        },
      }),
      ...(tls !== undefined && { tls }),
      ...(config.trustedProxies !== undefined && { trustProxy: trustedProxies(config.trustedProxies) }),
    })
    cleanups.add(() => app.close())
    if (config.metricsPort !== undefined) {
      const { host, metricsPort: port } = config
      const listening = await listenMetrics(registry, { host, port, portVariable: 'TSA_METRICS_PORT' })
      cleanups.add(() => listening.stop())
    }
    const following = config.tls && tls && (await followTls(app, config.tls, { initial: tls, logger }))
    cleanups.add(async () => following?.stop())
    const { url } = await listen(app, {
      host: config.host,
      port: config.port,
      portVariable: 'TSA_PORT',
      ...(config.inside !== undefined && { inside: config.inside }),
    })
    return { url, chainPem: pemsOf(initial.stamping.chain).join(''), stop: cleanups.run }
  } catch (error) {
    await cleanups.run().catch((cause: unknown) => logger.error({ err: cause }, 'stopping failed'))
    throw error
  }
}

/** Follows the files from now on: a rotation needs no restart, and one with a fault changes nothing. */
function followAuthorities(
  config: Config,
  initial: StampAuthorities,
  logger: Logger,
): Promise<Reloading<StampAuthorities>> {
  return reloadFromFiles({
    paths: () => stampAuthorityPaths(authorityOptions(config)),
    initial,
    load: () => openStampAuthorities({ ...authorityOptions(config), mayMake: false }),
    onReload: () => logger.info('changed keys and chains took effect'),
    onFault: (error) =>
      logger.error(
        { reason: reasonOf(error) },
        'changed keys or chains have a fault; what was before stays in force',
      ),
  })
}

async function startClock(
  { clock: config }: Config,
  { logger, metrics, cleanups }: { logger: Logger; metrics: TsaMetrics; cleanups: Cleanups },
): Promise<ClockGuard> {
  const pool =
    config.databaseUrl === undefined
      ? undefined
      : createPool({
          connectionString: config.databaseUrl,
          maxConnections: 1,
          applicationName: 'tsa',
          queryTimeoutMs: 5_000,
          onError: (error) => logger.warn({ err: error }, 'the database connection broke'),
        })
  const clocks: readonly OtherClock[] = [
    ...(pool === undefined ? [] : [databaseClock(pool)]),
    ...config.ntpServers.map((server) => ntpClock(server, metrics.clock)),
  ]
  const { believed, difference, errors } = metrics.clock
  believed.set(clocks.length === 0 ? 1 : 0)
  const guard = createClockGuard({
    clocks,
    ntpAnswers: config.ntpAnswers,
    checkMs: config.checkSeconds * 1000,
    maxDifferenceMs: config.maxDifferenceMs,
    whenUnsure: config.whenUnsure,
    now: Date.now,
    monotonic: () => performance.now(),
    onDifference: ({ name }, differenceMs) => difference.set({ source: name }, differenceMs / 1000),
    onUnsure: (reason) => errors.inc({ reason }),
    onChange: (unsure, state) => {
      believed.set(unsure === undefined ? 1 : 0)
      if (unsure === undefined) return logger.info('the clock agrees with others')
      logger.warn(
        { reason: state },
        config.whenUnsure === 'refuse'
          ? 'the clock cannot be believed: nothing is stamped until it can'
          : 'the clock cannot be believed, and stamps go on as TSA_CLOCK_WHEN_UNSURE says',
      )
    },
  })
  const stopping = new AbortController()
  // Who refuses without it waits for the first look; others are not held up by a network.
  if (config.whenUnsure === 'refuse') await guard.check()
  const running = guard.run(stopping.signal)
  cleanups.add(async () => {
    stopping.abort()
    await running
    await pool?.end()
  })
  return guard
}

function pemsOf(chain: readonly Certificate[]): readonly string[] {
  return chain.map(({ der }) => encodeCertificatePem(der))
}

function warnAbout(ends: Date, logger: Logger): void {
  const days = Math.floor((ends.getTime() - Date.now()) / 86_400_000)
  if (days < dueDays)
    logger.warn(
      { ends },
      `the chain that stamps ends in ${days} days; make its successor with \`sigstack tsa rotate\``,
    )
}
