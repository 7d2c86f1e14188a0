/** A running log: database, key, engine, follower and server put together and taken apart again. */
import { randomBytes } from 'node:crypto'
import { noteKeyHint, rekorV1KeyHint, signCheckpoint } from '@sigstack/checkpoint'
import { defaultClientAlgorithms, encodePublicKeyPem, keyFingerprint, type Signer } from '@sigstack/crypto'
import { type Log, type LogOptions, openLog } from '@sigstack/log-engine'
import type { TreeHead } from '@sigstack/merkle'
import { createPool, type Pool } from '@sigstack/postgres'
import { verifyProposal } from '@sigstack/rekor-entries'
import { createRegistry, type Logger, listen, listenMetrics, type Readiness } from '@sigstack/server'
import { loadOrCreateSigner } from '@sigstack/signers'
import { buildApp, type Face } from './app.ts'
import type { FaceConfig, LogConfig } from './config.ts'
import type { RootSource } from './faces/ct/index.ts'
import { openShard, originOf, parseOrigin, searchKeysOfEntry, treeIdFrom } from './faces/rekor-v1/index.ts'
import { logFirstEntry } from './first-entry.ts'
import { createLogMetrics, type LogMetrics } from './metrics.ts'
import { fileRoots } from './roots/file-roots.ts'
import { urlRoots } from './roots/url-roots.ts'
import { openSearch } from './search/index.ts'

export type StartLogOptions = {
  readonly logger: Logger
  /** Shared with others in this process; its owner closes it. Without it the log opens its own. */
  readonly pool?: Pool
}

export type RunningLog = {
  /** Of the front door, without a trailing slash. */
  readonly url: string
  readonly metricsUrl: string | undefined
  readonly publicKeyPem: string
  /** First line of the log's checkpoints. */
  readonly origin: string
  /** Refuses new work, finishes begun work, closes what it opened. */
  stop(): Promise<void>
}

/** Changed files of accepted roots are looked for this often; unknown roots at once. */
const rootsPollMs = 5_000

/** Throws one clear sentence when the port, the database or the key cannot be had, or belongs to another log. */
export async function startLog(config: LogConfig, options: StartLogOptions): Promise<RunningLog> {
  const { logger } = options
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
    const signer = await loadOrCreateSigner(config.keyFile, config.keyPassword)
    const pool = options.pool ?? openPool()
    const registry = createRegistry({ processMetrics: options.pool === undefined })
    let metrics: LogMetrics | undefined
    const log = await openLog({
      ...logOptions(config, signer),
      pool,
      queueLimit: config.queueLimit,
      onBatch: (batch) => metrics?.batch(batch),
    })
    cleanups.push(() => log.close())
    const { face, searchBacklog } = await openFace(log, signer, pool, (kind, elapsed) =>
      metrics?.verified(kind, elapsed),
    )
    metrics = createLogMetrics(config.face.face, registry, {
      queueDepth: () => log.queueDepth(),
      ...(searchBacklog === undefined ? {} : { searchBacklog }),
    })
    const app = await buildApp(log, face, {
      logger,
      metrics: registry,
      metricsRoute: config.metricsPort === undefined,
      readiness: () => readinessOf(pool),
    })
    cleanups.push(() => app.close())
    const { host, port, metricsPort } = config
    const { url } = await listen(app, { host, port, portVariable: 'PORT' })
    const metricsListener =
      metricsPort === undefined
        ? undefined
        : await listenMetrics(registry, { host, port: metricsPort, portVariable: 'METRICS_PORT' })
    if (metricsListener !== undefined) cleanups.push(() => metricsListener.stop())
    logger.info({ url, origin: log.origin, face: config.face.face }, 'log is open')
    const publicKeyPem = encodePublicKeyPem(signer.publicKey)
    return { url, metricsUrl: metricsListener?.url, publicKeyPem, origin: log.origin, stop }
  }

  function openPool(): Pool {
    const pool = createPool({
      connectionString: config.databaseUrl,
      maxConnections: config.databaseConnections,
      applicationName: `log-${config.face.face}`,
      onError: (error) => logger.warn({ err: error }, 'a database connection broke'),
    })
    cleanups.push(() => pool.end())
    return pool
  }

  async function openFace(
    log: Log,
    signer: Signer,
    pool: Pool,
    verified: (kind: string, seconds: number) => void,
  ): Promise<{ face: Face; searchBacklog?: () => bigint }> {
    const { bodyLimitBytes } = config
    if (config.face.face === 'ct') {
      const { prefix: pathPrefix, extendedKeyUsages } = config.face
      const roots = await openRoots(config.face)
      return {
        face: {
          face: 'ct',
          dependencies: {
            log,
            signer,
            roots,
            pathPrefix,
            extendedKeyUsages,
            bodyLimitBytes,
            nowMs: Date.now,
          },
        },
      }
    }
    await logFirstEntry(log, signer)
    const search = await openSearch({
      pool,
      log,
      searchKeysOf: searchKeysOfEntry,
      onError: (error) => logger.warn({ err: error }, 'the search index could not follow the log'),
    })
    cleanups.push(() => search.stop())
    const policy = { allowedAlgorithms: defaultClientAlgorithms }
    const verifyTimed = async (proposal: unknown) => {
      const began = performance.now()
      let kind = 'refused'
      try {
        const entry = await verifyProposal(proposal, policy)
        kind = entry.kind
        return entry
      } finally {
        verified(kind, (performance.now() - began) / 1000)
      }
    }
    const dependencies = {
      shard: openShard(log, signer),
      search,
      verifyProposal: verifyTimed,
      bodyLimitBytes,
    }
    return { face: { face: 'rekor-v1', dependencies }, searchBacklog: search.backlog }
  }

  async function openRoots({ roots }: Extract<FaceConfig, { face: 'ct' }>): Promise<RootSource> {
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
function logOptions(
  { face, hostname }: LogConfig,
  signer: Signer,
): Pick<LogOptions, 'name' | 'logId' | 'newOrigin' | 'signCheckpoint'> {
  const logId = keyFingerprint(signer.publicKey)
  if (face.face === 'ct') {
    return {
      name: face.prefix === '' ? 'ct' : `ct${face.prefix}`,
      logId,
      newOrigin: () => `${hostname}${face.prefix}`,
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
  const keyHint = rekorV1KeyHint(signer.publicKey)
  return {
    name: 'rekor-v1',
    logId,
    newOrigin: () => originOf(hostname, treeIdFrom(randomBytes(8))),
    // The signer's name is the host name alone, as its clients compare it with the log's URL.
    signCheckpoint: (treeHead: TreeHead, origin: string) =>
      signCheckpoint({ origin, name: parseOrigin(origin)?.hostname ?? hostname, treeHead, signer, keyHint }),
  }
}

async function readinessOf(pool: Pool): Promise<Readiness> {
  try {
    await pool.query('select 1')
    return { ready: true, checks: { database: 'ok' } }
  } catch {
    return { ready: false, checks: { database: 'cannot be reached' } }
  }
}
