import { readFile } from 'node:fs/promises'
import { reasonOf } from '@sigstack/crypto'
import { trustedProxies } from '@sigstack/limits/addresses'
import { createPool, inTransaction, migrate } from '@sigstack/postgres'
import {
  createCleanups,
  createRegistry,
  type Logger,
  openDoors,
  readTlsFiles,
  reloadFromFiles,
  startOrCleanUp,
} from '@sigstack/server'
import { buildApp } from './app.ts'
import type { Config } from './config.ts'
import { parseLogs } from './following/logs-file.ts'
import { type Loop, runLoop } from './loop.ts'
import { createMetrics } from './metrics.ts'
import { createMonitoring } from './monitoring.ts'
import type { Send } from './telling/deliver.ts'
import type { Channel } from './telling/event.ts'
import { openMail } from './telling/mail.ts'
import { webhook } from './telling/webhook.ts'
import { putFileWatches } from './watching/watch-store.ts'
import { parseWatches } from './watching/watches-file.ts'

export type StartOptions = {
  readonly logger: Logger
  /** False where several services share one process. */
  readonly processMetrics?: boolean
  /** Milliseconds since the epoch; the machine's clock when left out. */
  readonly now?: () => number
  /** False: rounds are made by `look` and `tell` alone. */
  readonly rounds?: boolean
}

export type RunningMonitor = {
  readonly url: string
  /** One round over all logs, now. True where one is ahead still. */
  look(): Promise<boolean>
  /** Tells what is due, now. */
  tell(): Promise<void>
  stop(): Promise<void>
}

const queryTimeoutMs = 30_000
/** What is new is told at once; this finds what is to be tried again. */
const tellingPauseMs = 5_000

/** Wires the real adapters and listens. */
export async function startMonitor(config: Config, options: StartOptions): Promise<RunningMonitor> {
  const { logger, now = Date.now } = options
  const cleanups = createCleanups()
  return startOrCleanUp(start, { cleanups, logger })

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
    const logs = await followLogs()
    let telling: Loop | undefined
    const channels = await openChannels()
    const monitoring = createMonitoring({
      config,
      pool,
      logs: logs.current,
      channels,
      metrics: createMetrics(registry, pool),
      logger,
      now,
      onNews: () => telling?.hurry(),
    })
    const tls = config.tls && (await readTlsFiles(config.tls))
    const app = buildApp({
      pool,
      token: config.token,
      logger,
      registry,
      metricsRoute: config.metricsPort === undefined,
      readiness: async () => {
        await pool.query('select 1')
        const told = (fault: string | undefined) =>
          fault === undefined ? 'ok' : `changed file refused: ${fault}`
        const checks = { database: 'ok', logs: told(logs.fault()), watches: told(watches?.fault()) }
        return { ready: true, checks }
      },
      ...(tls !== undefined && { tls }),
      ...(config.trustedProxies !== undefined && { trustProxy: trustedProxies(config.trustedProxies) }),
    })
    const url = await openDoors(app, config, { prefix: 'MONITOR', registry, logger, tls, cleanups })
    const stopping = new AbortController()
    cleanups.add(() => stopping.abort())
    const onError = (error: unknown) => logger.error({ err: error }, 'a round failed')
    if (options.rounds !== false) {
      const { intervalMs: pauseMs } = config
      const looking = runLoop(async (signal) => ((await monitoring.look(signal)) ? 0 : pauseMs), {
        pauseMs,
        onError,
      })
      cleanups.add(() => looking.stop())
      telling = runLoop(
        async (signal) => {
          await monitoring.tell(signal)
          return tellingPauseMs
        },
        { pauseMs: tellingPauseMs, onError },
      )
    }
    cleanups.add(async () => telling?.stop())
    logger.info({ url, logs: logs.current().length }, 'monitor is open')
    return {
      url,
      look: () => monitoring.look(stopping.signal),
      tell: () => monitoring.tell(stopping.signal),
      stop: cleanups.run,
    }

    /** Lists with a fault end the start, and later change nothing. */
    async function followLogs() {
      const load = async () => parseLogs(await readFile(config.logsFile, 'utf8'))
      const reloading = await reloadFromFiles({
        paths: () => [config.logsFile],
        initial: await load(),
        load,
        onReload: (list) => logger.info({ logs: list.length }, 'the changed list of logs took effect'),
        onFault: (error) =>
          logger.error(
            { reason: reasonOf(error) },
            'the changed list of logs has a fault; the old one stays',
          ),
      })
      cleanups.add(() => reloading.stop())
      return reloading
    }

    async function openChannels(): Promise<ReadonlyMap<Channel, Send>> {
      const open = new Map<Channel, Send>()
      if (config.webhook !== undefined) open.set('webhook', webhook({ ...config.webhook, now }))
      if (config.mail !== undefined) {
        const sending = await openMail(config.mail)
        cleanups.add(() => sending.close())
        open.set('mail', sending)
      }
      return open
    }

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
