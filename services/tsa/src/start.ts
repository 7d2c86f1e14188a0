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
import {
  createCleanups,
  createRegistry,
  type Logger,
  openDoors,
  type Reloading,
  readTlsFiles,
  reloadFromFiles,
  startOrCleanUp,
  tellOfDigestVerification,
} from '@sigstack/server'
import { type Certificate, encodeCertificatePem } from '@sigstack/x509'
import { buildApp } from './app.ts'
import { startClock } from './clock/start-clock.ts'
import type { Config } from './config.ts'
import { createMetrics, dueDays } from './metrics.ts'
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
  const start = async (): Promise<RunningTsa> => {
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
    const url = await openDoors(app, config, { prefix: 'TSA', registry, logger, tls, cleanups })
    return { url, chainPem: pemsOf(initial.stamping.chain).join(''), stop: cleanups.run }
  }
  return startOrCleanUp(start, { cleanups, logger })
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
