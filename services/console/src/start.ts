import { reasonOf } from '@sigstack/crypto'
import {
  createCleanups,
  createRegistry,
  type Logger,
  openDoors,
  readTlsFiles,
  startOrCleanUp,
} from '@sigstack/server'
import { buildApp } from './app.ts'
import type { Access, Config } from './config.ts'
import { createNewest } from './log/newest.ts'
import { createTail } from './log/tail.ts'
import { createMetrics } from './metrics.ts'
import { createCertificateSearch } from './search/certificates.ts'
import type { Searched } from './search/search.ts'
import type { Clocks, SignIn } from './sign-in/sign-in.ts'
import { createShared } from './sources/cached.ts'
import { createMonitor } from './sources/monitor.ts'
import { createRekor, type Rekor } from './sources/rekor.ts'
import { createTreeLog, type TreeLog } from './sources/tree-log.ts'
import { createTrustSource } from './sources/trust.ts'

const allRooms = ['search', 'log', 'trust', 'issuers', 'health', 'verify'] as const

export type StartOptions = {
  readonly logger: Logger
  /** False where several services share one process. */
  readonly processMetrics?: boolean
  /** Milliseconds since the epoch; the machine's clock when left out. */
  readonly now?: () => number
  /** Milliseconds of a clock that goes evenly, for limits; the machine's when left out. */
  readonly nowMs?: () => number
}

export type RunningConsole = { readonly url: string; stop(): Promise<void> }

/** Listens, whether the services answer or not: a page tells of those that do not. */
export async function startConsole(config: Config, options: StartOptions): Promise<RunningConsole> {
  const { logger, now = Date.now, nowMs = () => performance.now() } = options
  const cleanups = createCleanups()
  return startOrCleanUp(start, { cleanups, logger })

  async function start(): Promise<RunningConsole> {
    const registry = createRegistry({ processMetrics: options.processMetrics ?? true })
    const { urls, trustedRootFile } = config
    const tls = config.tls && (await readTlsFiles(config.tls))
    const signIn = config.access.mode === 'oidc' ? await signInBy(config.access, { now, nowMs }) : undefined
    const rekor = urls.rekor === undefined ? undefined : createRekor(urls.rekor)
    const searched = searchedOf(rekor, urls.rekorV2)
    const certificates =
      urls.ct === undefined || config.searchedCertificates === 0
        ? undefined
        : createCertificateSearch({ log: lookedAtInTurn(urls.ct, now), most: config.searchedCertificates })
    const newest = createNewest({ ...(rekor !== undefined && { rekor }), urls })
    const tail = createTail({
      logs: newest,
      limit: config.tailLimit,
      limitEach: config.tailLimitEach,
      onError: (error) => logger.info({ reason: reasonOf(error) }, 'the tail could not look at the log'),
    })
    createMetrics(registry, tail.readers)
    const rooms = urls.monitor === undefined ? allRooms : [...allRooms, 'watch' as const]
    const app = buildApp({
      ...(rekor !== undefined && { rekor }),
      ...(searched !== undefined && { searched }),
      ...(certificates !== undefined && { certificates }),
      tail,
      newest,
      trust: createTrustSource({ file: trustedRootFile, url: urls.trust, now }),
      urls,
      now,
      site: { title: config.title, rooms },
      ...(urls.monitor !== undefined && { monitor: createMonitor(urls.monitor, config.monitorToken) }),
      ...(signIn !== undefined && { signIn }),
      access: config,
      logger,
      registry,
      metricsRoute: config.metricsPort === undefined,
      ...(tls !== undefined && { tls }),
    })
    const url = await openDoors(app, config, { prefix: 'CONSOLE', registry, logger, tls, cleanups })
    logger.info({ url }, 'the console is open')
    return { url, stop: cleanups.run }
  }
}

/** What checks tokens is loaded where people sign in. */
async function signInBy(access: Extract<Access, { mode: 'oidc' }>, clocks: Clocks): Promise<SignIn> {
  return (await import('./sign-in/sign-in.ts')).openSignIn(access, clocks)
}

/** All who search within a second are given the certificates under one head. */
function lookedAtInTurn(url: string, now: () => number): TreeLog {
  const log = createTreeLog(url)
  return { ...log, shown: createShared(log.shown, now) }
}

/** The log of Rekor v1 finds entries of v2 beside its own, where they share a database; that of v2 answers for itself. */
function searchedOf(rekor: Rekor | undefined, rekorV2: string | undefined): Searched | undefined {
  if (rekor !== undefined) return { rekor, isV1: true }
  return rekorV2 === undefined ? undefined : { rekor: createRekor(rekorV2), isV1: false }
}
