/** A running log: database, key, engine, follower and server put together and taken apart again. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { noteKeyHint, signCheckpoint } from '@sigstack/checkpoint'
import { defaultClientAlgorithms, encodePublicKeyPem, keyFingerprint, type Signer } from '@sigstack/crypto'
import { type Log, type LogOptions, openLog, rememberPublicKey } from '@sigstack/log-engine'
import type { TreeHead } from '@sigstack/merkle'
import { createPool, type Pool } from '@sigstack/postgres'
import { type VerifiedEntry, verifyProposal } from '@sigstack/rekor-entries'
import { createRegistry, type Logger, listen, listenMetrics, type Registry } from '@sigstack/server'
import { isKeyUri, loadOrCreateSigner } from '@sigstack/signers'
import { buildApp, type Face } from './app.ts'
import type { FaceConfig, LogConfig } from './config.ts'
import { type OpenEvents, openEvents } from './events/open-events.ts'
import type { RootSource } from './faces/ct/index.ts'
import { createLogMetrics, type LogGauges, type LogMetrics } from './metrics.ts'
import { openSettings, type SettingsContext } from './open-settings.ts'
import { readinessOf } from './readiness.ts'
import type { RekorConfig } from './rekor-config.ts'
import { createRekorMetrics, type RekorMetrics } from './rekor-metrics.ts'
import { fileRoots } from './roots/file-roots.ts'
import { urlRoots } from './roots/url-roots.ts'
import { openSearch, type SearchIndex } from './search/index.ts'
import { followInThread } from './search/thread.ts'
import { fitForLog } from './shards/shard-keys.ts'
import { openShardSet } from './shards/shard-set.ts'
import { wholeLog } from './shards/whole-log.ts'
import { boundedSigner } from './signing/bounded-signer.ts'
import { openSmallBodies } from './verification/small-bodies.ts'

export type StartLogOptions = {
  readonly logger: Logger
  /** Shared with others in this process; its owner closes it. Without it the log opens its own. */
  readonly pool?: Pool
  /** Milliseconds since the epoch; the machine's clock when left out. */
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

/** A face, and what is told of its log. */
type OpenFace = LogGauges & {
  readonly face: Face
  /** The log that takes entries. */
  readonly log: () => Log
  readonly origin: string
  readonly publicKeyPem: string
  readonly measure?: RekorMetrics['measure']
}

/** Of the whole stack. */
const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  readonly version: string
}

/** Of two signatures for an answer, both fit into the 5 s after which sigstore-js gives up. */
const defaultSignTimeoutMs = 2_000

/** A replica that is frozen or vanishes while it has the turn to write holds up the others for so long. */
const idleInTransactionTimeoutMs = 5_000
/** Longer than the wait for such a replica; a network that swallows packets is told to writers after it. */
const queryTimeoutMs = 10_000

/** Changed files of accepted roots are looked for this often; unknown roots at once. */
const rootsPollMs = 5_000

/** Throws one clear sentence when the port, the database or the key cannot be had, or belongs to another log. */
export async function startLog(config: LogConfig, options: StartLogOptions): Promise<RunningLog> {
  const { logger, now = Date.now, wrapSigner = (signer) => signer } = options
  const cleanups: (() => Promise<void> | void)[] = []
  const stop = async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
  }
  try {
    return await start()
  } catch (error) {
    await stop().catch((cause: unknown) => logger.error({ err: cause }, 'stopping failed'))
    throw error
  }

  async function start(): Promise<RunningLog> {
    const { keyLocation, keyPassword, signTimeoutMs: timeoutMs = defaultSignTimeoutMs } = config
    const signer = guarded(fitForLog(await loadOrCreateSigner(keyLocation, keyPassword, { timeoutMs })))
    const pool = options.pool ?? openPool()
    const registry = createRegistry({ processMetrics: options.pool === undefined })
    let metrics: LogMetrics | undefined
    const { face, log, origin, publicKeyPem, measure, ...gauges } = await openFace(signer, pool, registry, {
      batch: (report) => metrics?.batch(report),
      verified: (kind, elapsed) => metrics?.verified(kind, elapsed),
    })
    metrics = createLogMetrics(config.face.face, registry, gauges)
    const app = await buildApp(face, {
      logger,
      metrics: registry,
      metricsRoute: config.metricsPort === undefined,
      readiness: () => readinessOf(pool, log(), gauges.searchBacklog),
      ...(measure !== undefined && { measure }),
      ...(config.trustedProxies !== undefined && { trustProxy: [...config.trustedProxies] }),
    })
    cleanups.push(() => app.close())
    const { host, port, metricsPort } = config
    const { url } = await listen(app, { host, port, portVariable: 'PORT' })
    const metricsListener =
      metricsPort === undefined
        ? undefined
        : await listenMetrics(registry, { host, port: metricsPort, portVariable: 'METRICS_PORT' })
    if (metricsListener !== undefined) cleanups.push(() => metricsListener.stop())
    logger.info({ url, origin, face: config.face.face }, 'log is open')
    return { url, metricsUrl: metricsListener?.url, publicKeyPem, origin, stop }
  }

  function guarded(signer: Signer): Signer {
    return boundedSigner(wrapSigner(signer), {
      timeoutMs: config.signTimeoutMs ?? defaultSignTimeoutMs,
      onChange: (signs, reason) =>
        signs
          ? logger.info('the key of the log signs again')
          : logger.error({ err: reason }, 'the key of the log does not sign; writers are told to come back'),
    })
  }

  function openPool(): Pool {
    const pool = createPool({
      connectionString: config.databaseUrl,
      maxConnections: config.databaseConnections,
      applicationName: `log-${config.face.face}`,
      queryTimeoutMs,
      idleInTransactionTimeoutMs,
      onError: (error) => logger.warn({ err: error }, 'a database connection broke'),
    })
    cleanups.push(() => pool.end())
    return pool
  }

  function openFace(signer: Signer, pool: Pool, registry: Registry, sight: LogMetrics): Promise<OpenFace> {
    return config.face.face === 'ct'
      ? openCt(config.face, signer, pool, sight)
      : openRekor(config.face, signer, pool, registry, sight)
  }

  async function openCt(
    { prefix: pathPrefix, extendedKeyUsages, ...source }: Extract<FaceConfig, { face: 'ct' }>,
    signer: Signer,
    pool: Pool,
    { batch }: LogMetrics,
  ): Promise<OpenFace> {
    const { bodyLimitBytes, hostname, queueLimit } = config
    const dialect = ctLogOptions(hostname, pathPrefix, signer)
    const log = await openLog({ ...dialect, pool, now, queueLimit, onBatch: batch })
    cleanups.push(() => log.close())
    await rememberPublicKey(pool, dialect.name, signer.publicKey.spki)
    const roots = await openRoots(source.roots)
    return {
      origin: log.origin,
      publicKeyPem: encodePublicKeyPem(signer.publicKey),
      log: () => log,
      queueDepth: log.queueDepth,
      face: {
        face: 'ct',
        dependencies: { log, signer, roots, pathPrefix, extendedKeyUsages, bodyLimitBytes, nowMs: now },
      },
    }
  }

  async function openRekor(
    face: RekorConfig,
    first: Signer,
    pool: Pool,
    registry: Registry,
    { batch, verified }: LogMetrics,
  ): Promise<OpenFace> {
    const { bodyLimitBytes, hostname, queueLimit, keyLocation, keyPassword } = config
    const shards = await openShardSet({
      pool,
      keys: {
        first,
        folder: config.keysFolder ?? (isKeyUri(keyLocation) ? '.' : path.dirname(keyLocation)),
        password: keyPassword,
        wrap: guarded,
      },
      now,
      series: 'rekor-v1',
      hostname,
      queueLimit,
      onBatch: batch,
      onNews: (news) => logger.info(news),
      onError: (error) => logger.error({ err: error }, 'the shards of the log could not be followed'),
    })
    cleanups.push(() => shards.close())
    const followed = wholeLog(shards)
    const onError = (error: unknown) =>
      logger.warn({ err: error }, 'the search index could not follow the log')
    const search = await openSearch({
      pool,
      log: followed,
      turns: followInThread({ databaseUrl: config.databaseUrl, logId: followed.logId, onError }),
      onError,
    })
    cleanups.push(() => search.stop())
    const policy = {
      allowedAlgorithms: defaultClientAlgorithms,
      ...(face.enabledKinds !== undefined && { enabledKinds: face.enabledKinds }),
      ...(face.metadataLimitBytes !== undefined && { metadataLimitBytes: face.metadataLimitBytes }),
    }
    let events: OpenEvents | undefined
    const metrics = createRekorMetrics(registry, version, {
      ...(face.events !== undefined && { eventBacklog: () => events?.backlog() ?? new Map() }),
    })
    const context: SettingsContext = {
      pool,
      logger,
      policy,
      metrics,
      onStop: (stopIt) => {
        cleanups.push(stopIt)
      },
    }
    const settings = await openSettings(face, context)
    if (face.events !== undefined) events = await openEvents(face.events, shards, context)
    const smallBodies = openSmallBodies({ policy })
    cleanups.push(() => smallBodies.stop())
    const timed = async <T extends VerifiedEntry | undefined>(verification: Promise<T>): Promise<T> => {
      const began = performance.now()
      let kind = 'refused'
      try {
        const entry = await verification
        kind = entry?.kind ?? kind
        return entry
      } finally {
        verified(kind, (performance.now() - began) / 1000)
      }
    }
    const { log, publicKeyPem } = shards.active()
    return {
      origin: log.origin,
      publicKeyPem,
      log: () => shards.active().log,
      queueDepth: shards.queueDepth,
      searchBacklog: search.backlog,
      measure: metrics.measure,
      face: {
        face: 'rekor-v1',
        dependencies: {
          shards,
          search: timedSearch(search, metrics.searched),
          verifyProposal: (proposal) => timed(verifyProposal(proposal, policy)),
          verifyText: (text) => timed(smallBodies.verify(text)),
          bodyLimitBytes,
          settings,
        },
      },
    }
  }

  async function openRoots(roots: Extract<FaceConfig, { face: 'ct' }>['roots']): Promise<RootSource> {
    const onError = (error: unknown) => logger.warn({ err: error }, 'the accepted roots could not be read')
    // Asked for when the first chain comes: the CA may start after its log.
    if ('url' in roots) return urlRoots(roots.url, onError)
    const source = fileRoots(roots.file, onError)
    await source.refresh()
    const poll = setInterval(() => void source.refresh(), rootsPollMs)
    poll.unref()
    cleanups.push(() => clearInterval(poll))
    return source
  }
}

/** Origin and checkpoint form of the dialect. A log that exists keeps the origin it was made with. */
function ctLogOptions(
  hostname: string,
  prefix: string,
  signer: Signer,
): Pick<LogOptions, 'name' | 'logId' | 'newOrigin' | 'signCheckpoint'> {
  return {
    name: prefix === '' ? 'ct' : `ct${prefix}`,
    logId: keyFingerprint(signer.publicKey),
    newOrigin: () => `${hostname}${prefix}`,
    signCheckpoint: (treeHead: TreeHead, origin: string) =>
      signCheckpoint({
        origin,
        name: origin,
        treeHead,
        signer,
        keyHint: noteKeyHint(origin, signer.publicKey),
      }),
  }
}

function timedSearch(search: SearchIndex, searched: RekorMetrics['searched']): SearchIndex {
  return {
    ...search,
    find: async (...criteria) => {
      const began = performance.now()
      let isSuccess = false
      try {
        const found = await search.find(...criteria)
        isSuccess = true
        return found
      } finally {
        searched(isSuccess, (performance.now() - began) / 1000)
      }
    },
  }
}
