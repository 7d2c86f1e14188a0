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

export type RunningLog = {
  /** Of the front door, without a trailing slash. */
  readonly url: string
  readonly metricsUrl: string | undefined
  readonly publicKeyPem: string
  /** First line of the log's checkpoints; of several shards, that of the one that was active at the start. */
  readonly origin: string
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
    context.metrics.begin(face.gauges)
    const { origin } = face.log()
    const tls = config.tls && (await readTlsFiles(config.tls))
    const app = await buildApp(face, {
      bytesOnTheirWay: Math.max(leastBytesOnTheirWay, 4 * config.bodyLimitBytes),
      logger,
      metrics: registry,
      metricsRoute: config.metricsPort === undefined,
      readiness: () => readinessOf(context.pool, face.log(), face.checks ?? (() => ({}))),
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
    const madeFor = hostOf(origin)
    const { face: settings, hostname } = config
    const asked = hostOf(settings.face === 'ct' ? (settings.origin ?? hostname) : hostname)
    if (madeFor !== asked)
      logger.warn(
        { origin },
        `the log keeps the origin it was made with: its checkpoints say ${madeFor}, the settings ${asked}; go back to that name, or begin a log anew, on an empty database`,
      )
    logger.info({ url, origin, face: config.face.face }, 'log is open')
    const { publicKeyPem } = face
    return { url, metricsUrl: metricsListener?.url, publicKeyPem, origin, stop: cleanups.run }
  }
}

/** Rekor v1's origin is `host - tree ID`, that of CT a host with its port and path, that of Rekor v2 a host. */
function hostOf(origin: string): string {
  const [first = ''] = origin.split(' ')
  return URL.parse(`http://${first}`)?.hostname.replace(/^\[(.*)\]$/, '$1') ?? first
}
