/** Keeps what is published in step with what the services sign with. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '@sigstack/server'
import type { TrustedRoot } from '@sigstack/trust-root'
import type { Observed } from '../collection/collect.ts'
import type { Config } from '../config.ts'
import { prepareFolder } from '../durable-files.ts'
import { TrustError } from '../errors.ts'
import type { Metrics } from '../metrics.ts'
import type { Repository } from '../repository/repository.ts'
import { composeTargets } from '../repository/targets.ts'
import { composeFiles, type Files, rekorV2Urls } from './files.ts'
import { readPublished, readPublishedRoot, writePublished } from './folder.ts'
import { mergeTrust } from './merge.ts'

export type Publisher = {
  /** Undefined until something was published, now or in an earlier life. */
  current(): Files | undefined
  /** What keeps the keys from being collected, as it was when they were last asked for; undefined when nothing does. */
  trouble(): string | undefined
  /** Collects once and publishes what changed. Throws a {@link TrustError} and leaves what was published. */
  refresh(): Promise<void>
  /** Refreshes until `signal` is aborted, soon again while a service is not up yet. */
  run(signal: AbortSignal): Promise<void>
}

export type PublisherDependencies = {
  readonly config: Pick<
    Config,
    'dataDirectory' | 'services' | 'oidcIssuer' | 'operator' | 'marginSeconds' | 'refreshSeconds'
  > & {
    readonly keysValidFrom?: Date
  }
  readonly collect: () => Promise<readonly Observed[]>
  /** Where clients of TUF get the same. */
  readonly repository?: Pick<Repository, 'update'>
  readonly now: () => Date
  readonly logger: Logger
  readonly metrics: Metrics
}

const firstRetryMs = 250
const slowestRetryMs = 5_000

export async function openPublisher(dependencies: PublisherDependencies): Promise<Publisher> {
  const { config, logger, metrics } = dependencies
  await prepareFolder(config.dataDirectory)
  const earlier = await readPublished(config.dataDirectory)
  let root: TrustedRoot | undefined = earlier?.root
  let files: Files | undefined = isComplete(earlier?.files) ? earlier?.files : undefined
  let collected = false
  let observed: readonly Observed[] = []
  let trouble: string | undefined = 'the services were not asked yet'
  let told: string | undefined

  // The loop and a caller may refresh at the same time, but files are written by one of them.
  let refreshing: Promise<void> | undefined
  const refresh = (): Promise<void> => {
    refreshing ??= refreshOnce().finally(() => {
      refreshing = undefined
    })
    return refreshing
  }

  async function refreshOnce(): Promise<void> {
    try {
      await collectAndPublish()
      trouble = undefined
      told = undefined
    } catch (error) {
      trouble = error instanceof TrustError ? error.message : 'publishing failed'
      throw error
    } finally {
      // What is published must not expire because a service is down.
      if (files !== undefined && root !== undefined)
        await dependencies.repository?.update(composeTargets(root, files, rekorV2Urls(observed)))
    }
  }

  async function collectAndPublish(): Promise<void> {
    observed = await dependencies.collect()
    // Another copy of this service may have published since: what it listed stays listed.
    root = (await readPublishedRoot(config.dataDirectory)) ?? root
    const trust = mergeTrust(root, observed, { ...config, now: dependencies.now() })
    const next = composeFiles(trust, config, observed)
    if (files === undefined || !sameFiles(files, next)) {
      await writePublished(config.dataDirectory, next)
      files = next
      root = await readPublishedRoot(config.dataDirectory)
      metrics.changes.inc()
      logger.info(
        {
          rekorKeys: trust.tlogs.length,
          ctKeys: trust.ctlogs.length,
          authorities: trust.certificateAuthorities.length,
          timestampAuthorities: trust.timestampAuthorities.length,
        },
        'trust published',
      )
    }
    collected = true
  }

  async function run(signal: AbortSignal): Promise<void> {
    let retryMs = firstRetryMs
    while (!signal.aborted) {
      const outcome = await refresh().then(
        () => 'collected' as const,
        (error: unknown) => {
          if (!signal.aborted) tellFailure(error, retryMs === slowestRetryMs)
          return 'failed' as const
        },
      )
      metrics.collections.inc({ outcome })
      retryMs = outcome === 'collected' ? firstRetryMs : Math.min(retryMs * 2, slowestRetryMs)
      const pauseMs = outcome === 'collected' ? config.refreshSeconds * 1000 : retryMs
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined)
    }
  }

  /** While the services start, one that does not answer yet is no news; one that stays away is, once. */
  function tellFailure(error: unknown, isLasting: boolean): void {
    if (!(error instanceof TrustError)) {
      logger.error({ err: error }, 'trust not collected')
      return
    }
    const isStarting = error.code === 'source_unavailable' && !collected && !isLasting
    const isTold = told === error.message
    logger[isStarting || isTold ? 'debug' : 'warn']({ reason: error.message }, 'trust not collected')
    if (!isStarting) told = error.message
  }

  return { current: () => files, trouble: () => trouble, refresh, run }
}

function isComplete(files: Files | undefined): boolean {
  // Without a CT log the file with its key is empty, and that of a timestamp authority without one.
  const mayBeEmpty = ['ctKey', 'tsaCertificates']
  return (
    files !== undefined &&
    Object.entries(files).every(([name, text]) => text !== '' || mayBeEmpty.includes(name))
  )
}

function sameFiles(a: Files, b: Files): boolean {
  return (Object.keys(a) as (keyof Files)[]).every((name) => a[name] === b[name])
}
