/** What every face stands on: connections, a key that nobody waits for without end, and the heads that were signed. */
import type { Signer } from '@sigstack/crypto'
import { createPool, type Pool } from '@sigstack/postgres'
import { boundedSigner, fitForLog, keptHeads } from '@sigstack/rekor-log'
import { type Logger, type Registry, tellOfDigestVerification } from '@sigstack/server'
import { keyFolderOf, loadOrCreateSigner } from '@sigstack/signers'
import type { LogConfig } from './config.ts'
import type { FaceContext } from './face.ts'
import { createLogMetrics } from './metrics.ts'
import { watchRoom } from './room.ts'
import { openHeads } from './witnesses/open-heads.ts'

export type ContextOptions = {
  readonly logger: Logger
  readonly registry: Registry
  /** Of somebody who closes it; opened here when left out. */
  readonly pool?: Pool
  readonly now?: () => number
  readonly wrapSigner?: (signer: Signer) => Signer
  readonly onStop: FaceContext['onStop']
}

/** Of two signatures for an answer, both fit into the 5 s after which sigstore-js gives up. */
const defaultSignTimeoutMs = 2_000

/** A replica that is frozen or vanishes while it has the turn to write holds up the others for so long. */
const idleInTransactionTimeoutMs = 5_000
/** Longer than the wait for such a replica; a network that swallows packets is told to writers after it. */
const queryTimeoutMs = 10_000

/** As many dear reads run at once; the others wait their turn. */
const defaultReadConnections = 3

export async function openContext(config: LogConfig, options: ContextOptions): Promise<FaceContext> {
  const { logger, registry, now = Date.now, wrapSigner = (signer) => signer, onStop } = options
  const { keyLocation, keyPassword, signTimeoutMs: timeoutMs = defaultSignTimeoutMs } = config
  const headsFolder = signedHeadsFolder(config)
  if (headsFolder === undefined)
    logger.warn('set LOG_SIGNED_HEADS to a folder: without it a start cannot tell that its database is older')
  const opened = await loadOrCreateSigner(keyLocation, keyPassword, { timeoutMs })
  const signer = guarded(fitForLog(opened, { takesEd25519: config.face.face === 'rekor-v2' }))
  const pool = options.pool ?? openPool(config.databaseConnections)
  const readers = openPool(config.readConnections ?? defaultReadConnections)
  await tellOfDigestVerification(logger, registry)
  const metrics = createLogMetrics(config.face.face, registry)
  const room = watchRoom(pool, (reason) =>
    reason === undefined
      ? logger.info('the database has room for entries again')
      : logger.error({ err: reason }, 'the database has no room; writers are told to come back'),
  )
  onStop(room.stop)
  const headsOf = await openHeads(config, { logger, registry, now })
  return {
    config,
    signer,
    guarded,
    pool,
    readers,
    logger,
    registry,
    metrics,
    batches: {
      onBatch: (batch) => {
        room.committed(batch)
        metrics.batch(batch)
      },
      onRefused: room.refused,
    },
    room,
    now,
    onClock: (aheadMs) => {
      if (aheadMs === 0) return logger.info('the clocks of this machine and the database agree again')
      logger.warn(
        { aheadMs },
        "this machine's clock runs ahead of the database's: entries get the database's time",
      )
    },
    signedHeadsOf: (name, publicKey) => {
      const onError = (error: unknown) =>
        logger.warn({ err: error }, 'after a restart this log may not notice that its database is older')
      return headsFolder === undefined
        ? undefined
        : keptHeads({ folder: headsFolder, name, publicKey, onError })
    },
    headsOf,
    onStop,
  }

  function guarded(unbounded: Signer): Signer {
    return boundedSigner(wrapSigner(unbounded), {
      timeoutMs,
      onChange: (signs, reason) =>
        signs
          ? logger.info('the key of the log signs again')
          : logger.error({ err: reason }, 'the key of the log does not sign; writers are told to come back'),
    })
  }

  function openPool(maxConnections: number): Pool {
    const opened = createPool({
      connectionString: config.databaseUrl,
      maxConnections,
      applicationName: `log-${config.face.face}`,
      queryTimeoutMs,
      idleInTransactionTimeoutMs,
      onError: (error) => logger.warn({ err: error }, 'a database connection broke'),
    })
    onStop(() => opened.end())
    return opened
  }
}

/** Beside the key's file where there is one. */
function signedHeadsFolder(config: LogConfig): string | undefined {
  return config.signedHeadsFolder ?? keyFolderOf(config.keyLocation) ?? config.keysFolder
}
