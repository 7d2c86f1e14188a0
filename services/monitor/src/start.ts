import { readFile } from 'node:fs/promises'
import { reasonOf } from '@sigstack/crypto'
import { trustedProxies } from '@sigstack/limits'
import { createPool, inTransaction, migrate } from '@sigstack/postgres'
import {
  createCleanups,
  createRegistry,
  followTls,
  type Logger,
  listen,
  listenMetrics,
  readTlsFiles,
  reloadFromFiles,
} from '@sigstack/server'
import { buildApp } from './app.ts'
import type { Config } from './config.ts'
import { putFileWatches } from './watching/watch-store.ts'
import { parseWatches } from './watching/watches-file.ts'

export type StartOptions = {
  readonly logger: Logger
  /** False where several services share one process. */
  readonly processMetrics?: boolean
}

export type RunningMonitor = {
  readonly url: string
  stop(): Promise<void>
}

const queryTimeoutMs = 30_000

/** Wires the real adapters and listens. */
export async function startMonitor(config: Config, options: StartOptions): Promise<RunningMonitor> {
  const { logger } = options
  const cleanups = createCleanups()
  try {
    return await start()
  } catch (error) {
    await cleanups.run().catch((cause: unknown) => logger.error({ err: cause }, 'stopping failed'))
    throw error
  }

  async function start(): Promise<RunningMonitor> {
    const registry = createRegistry({ processMetrics: options.processMetrics ?? true })
    const pool = createPool({
      connectionString: config.databaseUrl,
      maxConnections: config.databaseConnections,
      applicationName: 'monitor',
      queryTimeoutMs,
      onError: (error) => logger.warn({ err: error }, 'a database connection broke'),
    })
    cleanups.add(() => pool.end())
    await migrate(pool, { component: 'monitor', directory: new URL('./migrations/', import.meta.url) })
    const { watchesFile } = config
    const watches = watchesFile === undefined ? undefined : await followWatches(watchesFile)
    const tls = config.tls && (await readTlsFiles(config.tls))
    const app = buildApp({
      pool,
      token: config.token,
      onWatchesChanged: () => {},
      logger,
      registry,
      metricsRoute: config.metricsPort === undefined,
      readiness: async () => {
        await pool.query('select 1')
        const fault = watches?.fault()
        return {
          ready: true,
          checks: { database: 'ok', watches: fault === undefined ? 'ok' : `changed file refused: ${fault}` },
        }
      },
      ...(tls !== undefined && { tls }),
      ...(config.trustedProxies !== undefined && { trustProxy: trustedProxies(config.trustedProxies) }),
    })
    cleanups.add(() => app.close())
    const { host, metricsPort } = config
    if (metricsPort !== undefined) {
      const door = { host, port: metricsPort, portVariable: 'MONITOR_METRICS_PORT' }
      const listening = await listenMetrics(registry, door)
      cleanups.add(() => listening.stop())
    }
    const following = config.tls && tls && (await followTls(app, config.tls, { initial: tls, logger }))
    cleanups.add(async () => following?.stop())
    const { url } = await listen(app, {
      host,
      port: config.port,
      portVariable: 'MONITOR_PORT',
      ...(config.inside !== undefined && { inside: config.inside }),
    })
    logger.info({ url }, 'monitor is open')
    return { url, stop: cleanups.run }

    /** A file with a fault ends the start, and later changes nothing. */
    async function followWatches(file: string) {
      const load = async (): Promise<number> => {
        const definitions = parseWatches(await readFile(file, 'utf8'))
        await inTransaction(pool, (tx) => putFileWatches(tx, definitions, file))
        return definitions.length
      }
      const reloading = await reloadFromFiles({
        paths: () => [file],
        initial: await load(),
        load,
        onReload: (count) => logger.info({ watches: count }, 'the changed watches took effect'),
        onFault: (error) =>
          logger.error({ reason: reasonOf(error) }, 'the changed watches have a fault; the old ones stay'),
      })
      cleanups.add(() => reloading.stop())
      return reloading
    }
  }
}
