/** A running log: database, key, engine, follower and server put together and taken apart again. */
import type { Signer } from '@sigstack/crypto'
import { trustedProxies } from '@sigstack/limits'
import type { Pool } from '@sigstack/postgres'
import {
  createCleanups,
  createRegistry,
  followTls,
  type Logger,
  listen,
  listenMetrics,
  readTlsFiles,
  startOrCleanUp,
} from '@sigstack/server'
import { buildApp } from './app.ts'
import type { LogConfig } from './config.ts'
import { openFace } from './faces/open-face.ts'
import { openContext } from './open-context.ts'
import { readinessOf } from './readiness.ts'

export type StartLogOptions = {
  readonly logger: Logger
  /** Shared with others in this process; its owner closes it. Without it the log opens its own. */
  readonly pool?: Pool
  /** Milliseconds since the epoch; the machine's clock when left out. */
  /** Those of the Node process, which several services of one process tell once; default true. */
  readonly processMetrics?: boolean
  readonly now?: () => number
  /** Stands between the log and each of its keys. */
  readonly wrapSigner?: (signer: Signer) => Signer
}

export type ServedLog = {
  readonly publicKeyPem: string
  readonly origin: string
  /** Before the paths of its tiles, where it is not the log's own address. */
  readonly pathPrefix: string
}

export type RunningLog = {
  /** Of the front door, without a trailing slash. */
  readonly url: string
  readonly metricsUrl: string | undefined
  /** Of the log that the settings name. */
  readonly publicKeyPem: string
  /** First line of its checkpoints; of several shards under one name, that of the one that was active at the start. */
  readonly origin: string
  /** That log, and where others with names of their own follow it, those that are open by now: oldest first, the last one for new entries. */
  logs(): readonly ServedLog[]
  /** Refuses new work, finishes begun work, closes what it opened. */
  stop(): Promise<void>
}

/** Of bodies on their way together, and of large answers, where each body is short. */
const leastBytesOnTheirWay = 67_108_864

/** Throws one clear sentence when the port, the database or the key cannot be had, or belongs to another log. */
export async function startLog(config: LogConfig, options: StartLogOptions): Promise<RunningLog> {
  const { logger } = options
  const cleanups = createCleanups()
  return startOrCleanUp(start, { cleanups, logger })

  async function start(): Promise<RunningLog> {
    const registry = createRegistry({ processMetrics: options.processMetrics ?? true })
    const context = await openContext(config, { ...options, registry, onStop: cleanups.add })
    const face = await openFace(context)
    const { pool, room } = context
    context.metrics.begin({ ...face.gauges, isFull: room.isFull })
    const [first] = face.logs()
    if (first === undefined) throw new Error('a face has at least one log')
    const { publicKeyPem } = first
    const { origin } = first.log
    const newest = () => face.logs().at(-1)?.log ?? first.log
    const tls = config.tls && (await readTlsFiles(config.tls))
    const app = await buildApp(face, {
      bytesOnTheirWay: Math.max(leastBytesOnTheirWay, 4 * config.bodyLimitBytes),
      logger,
      metrics: registry,
      metricsRoute: config.metricsPort === undefined,
      readiness: () => readinessOf({ pool, room, log: newest(), more: face.checks ?? (() => ({})) }),
      ...(tls !== undefined && { tls }),
      ...(config.trustedProxies !== undefined && { trustProxy: trustedProxies(config.trustedProxies) }),
    })
    cleanups.add(() => app.close())
    const { host, port, metricsPort, inside } = config
    if (config.tls !== undefined && tls !== undefined) {
      const following = await followTls(app, config.tls, { initial: tls, logger })
      cleanups.add(() => following.stop())
    }
    const door = { host, port, portVariable: 'LOG_PORT' }
    const { url } = await listen(app, { ...door, ...(inside !== undefined && { inside }) })
    const metricsListener =
      metricsPort === undefined
        ? undefined
        : await listenMetrics(registry, { host, port: metricsPort, portVariable: 'LOG_METRICS_PORT' })
    if (metricsListener !== undefined) cleanups.add(() => metricsListener.stop())
    const logs = () =>
      face.logs().map(({ log, publicKeyPem: pem, pathPrefix = '' }) => ({
        origin: log.origin,
        publicKeyPem: pem,
        pathPrefix,
      }))
    const madeFor = logs().map((log) => hostOf(log.origin))
    const { face: settings, hostname } = config
    const asked = hostOf(settings.face === 'ct' ? (settings.origin ?? hostname) : hostname)
    if (!madeFor.includes(asked))
      logger.warn(
        { origin },
        `the log keeps the origin it was made with: its checkpoints say ${madeFor.join(' and ')}, the settings ${asked}; go back to that name, or begin a log anew, on an empty database`,
      )
    logger.info({ url, origin, face: config.face.face }, 'log is open')
    return { url, metricsUrl: metricsListener?.url, publicKeyPem, origin, logs, stop: cleanups.run }
  }
}

/** Rekor v1's origin is `host - tree ID`, that of CT a host with its port and path, that of Rekor v2 a host. */
function hostOf(origin: string): string {
  const [first = ''] = origin.split(' ')
  return URL.parse(`http://${first}`)?.hostname.replace(/^\[(.*)\]$/, '$1') ?? first
}
