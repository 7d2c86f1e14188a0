import { join } from 'node:path'
import { createRegistry, followTls, type Logger, listen, readTlsFiles } from '@sigstack/server'
import { buildApp } from './app.ts'
import { collect } from './collection/collect.ts'
import type { Config, TufConfig } from './config.ts'
import { createMetrics } from './metrics.ts'
import type { FileName } from './publication/files.ts'
import { publishedPaths } from './publication/folder.ts'
import { openPublisher } from './publication/publisher.ts'
import { openTufKeys } from './repository/keys.ts'
import { openRepository, type Repository, type RepositoryDependencies } from './repository/repository.ts'
import { repositoryPath } from './routes/repository-files.ts'

export type StartOptions = {
  readonly logger: Logger
  /** False where several services share one process. */
  readonly processMetrics?: boolean
}

export type RunningTrust = {
  readonly url: string
  /** URL of the TUF repository, where there is one. */
  readonly mirror: string | undefined
  /** Absolute paths of the published files; each is there once something was published. */
  readonly files: Readonly<Record<FileName, string>>
  /** Collects now, and resolves when everything is published. Throws a `TrustError` naming what does not answer. */
  refresh(): Promise<void>
  stop(): Promise<void>
}

/** Listens at once; collects the keys of the services in the background, until they are up and ever after. */
export async function startTrust(config: Config, options: StartOptions): Promise<RunningTrust> {
  const { logger } = options
  if (!config.services.some(({ kind }) => kind === 'ct'))
    logger.warn(
      'THERE IS NO CT LOG (PUBLIC_CT_URL=none): the trusted root lists none, so verifiers that demand an SCT refuse every certificate',
    )
  const registry = createRegistry({ processMetrics: options.processMetrics ?? true })
  const stopping = new AbortController()
  const metrics = createMetrics(registry)
  const now = () => new Date()
  const folder = join(config.dataDirectory, 'tuf')
  const tuf = config.tuf && (await openTuf(config.tuf, { folder, now, logger, metrics }))
  const publisher = await openPublisher({
    config,
    collect: () => collect(config.services, stopping.signal),
    now,
    logger,
    metrics,
    ...(tuf && { repository: tuf }),
  })
  const tls = config.tls && (await readTlsFiles(config.tls))
  const app = buildApp({
    publisher,
    logger,
    registry,
    ...(tls && { tls }),
    ...(tuf && { tuf: { folder, repository: tuf } }),
  })
  let url: string
  try {
    const { host, port, inside } = config
    const door = { host, port, portVariable: 'TRUST_PORT', ...(inside !== undefined && { inside }) }
    url = (await listen(app, door)).url
  } catch (error) {
    await app.close()
    throw error
  }
  const running = publisher.run(stopping.signal)
  const following = config.tls && tls && (await followTls(app, config.tls, { initial: tls, logger }))
  return {
    url,
    mirror: tuf && `${url}${repositoryPath}`,
    files: publishedPaths(config.dataDirectory),
    refresh: publisher.refresh,
    async stop() {
      stopping.abort()
      following?.stop()
      await Promise.all([running, app.close()])
    },
  }
}

function openTuf(
  config: TufConfig,
  dependencies: Omit<RepositoryDependencies, 'lifetimes' | 'openKeys'>,
): Promise<Repository> {
  return openRepository({
    ...dependencies,
    lifetimes: config.lifetimes,
    openKeys: (isFirstRoot) => openTufKeys(config, isFirstRoot),
  })
}
