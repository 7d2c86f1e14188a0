/** The Rekor v2 face over its log, as the environment describes it. One shard: one host name, origin, key and log. */
import { noteKeyId } from '@sigstack/checkpoint'
import { defaultClientAlgorithms, encodePublicKeyPem, toBase64 } from '@sigstack/crypto'
import { LogError, openLog, rememberPublicKey } from '@sigstack/log-engine'
import { longestBundledEntry } from '@sigstack/merkle'
import type { VerifiedEntry } from '@sigstack/rekor-entries'
import { createDearReads, type LogParts } from '@sigstack/rekor-log'
import { createPreparedAnswers } from '@sigstack/server'
import { version } from '@sigstack/server/version'
import { openGate } from '../../admission/open-gate.ts'
import { createEventMetrics } from '../../events/metrics.ts'
import { openEvents } from '../../events/open-events.ts'
import type { Face, FaceContext, OpenFace } from '../../face.ts'
import { isWritingOf } from '../../is-writing.ts'
import { logByOrigin } from '../../log-by-origin.ts'
import { searchCheck } from '../../readiness.ts'
import { openSearchOf } from '../../search/open-search.ts'
import { ownSource, storedSource } from '../../search/source.ts'
import { openSmallBodies } from '../../verification/small-bodies.ts'
import { timed } from '../../verification/timed.ts'
import { createEntryBundles, preparedBytes, tilesFace } from '../tiles/index.ts'
import type { RekorV2Config } from './config.ts'
import { logFirstEntry } from './first-entry.ts'
import {
  type RekorV2Dependencies,
  rekorV2Face,
  replyWithRekorV2Error,
  replyWithRekorV2NotFound,
} from './index.ts'
import { createRekorV2Metrics } from './metrics.ts'
import { eventsOf } from './new-entry-event.ts'
import { tilePrefixes } from './routes.ts'

export async function openRekorV2(face: RekorV2Config, context: FaceContext): Promise<OpenFace> {
  const {
    config,
    signer,
    pool,
    readers,
    logger,
    registry,
    metrics: logMetrics,
    now,
    onClock,
    onStop,
  } = context
  const { bodyLimitBytes, entryLimitBytes = longestBundledEntry, hostname, queueLimit } = config
  // The origin is the host name alone, and the key's own name (rekor-v2.md section 10.2).
  const dialect = logByOrigin('rekor-v2', hostname, signer)
  const signedHeads = context.signedHeadsOf(dialect.name, signer.publicKey)
  const metrics = createRekorV2Metrics(registry, version)
  let isOpen = false
  const log = await openLog({
    ...dialect,
    ...context.headsOf(dialect),
    ...(signedHeads !== undefined && { signedHeads }),
    pool,
    readers,
    now,
    queueLimit,
    onBatch: (batch) => {
      logMetrics.batch(batch)
      if (isOpen) metrics.logged(batch.entries)
    },
    onClock,
    onError: (error) => logger.error({ err: error }, 'a follower of the log failed'),
  })
  onStop(() => log.close())
  await rememberPublicKey(pool, dialect.name, signer.publicKey.spki)
  await logFirstEntry(log, signer).catch((error: unknown) => {
    if (!isClosedToWriters(error)) throw error
  })
  // Readers and witnesses ask for it before anybody has written.
  await log.checkpoint()
  isOpen = true
  const policy = {
    now: () => new Date(now()),
    allowedAlgorithms: face.clientAlgorithms ?? defaultClientAlgorithms,
    v2: { dsse: face.dsse ?? 'convert' },
    ...(face.workLimit !== undefined && { workLimit: face.workLimit }),
    // Only limits of signers look at them.
    tellsSignatures: (face.identityLimits ?? []).length > 0,
  }
  const bodies = openSmallBodies({ policy })
  onStop(() => bodies.stop())
  const { gate, admissionFault } = await openGate(face, { logger, onDecision: metrics.decided, onStop })

  const measured = { verified: logMetrics.verified, workRefused: metrics.workRefused }
  async function verifyText(text: string, sender: string): Promise<VerifiedEntry> {
    const entry = await timed(bodies.verify(text, sender), measured)
    if (entry === undefined) throw new Error('what is no JSON is refused by its decoder')
    return entry
  }

  const parts: LogParts = { list: () => [{ log, firstIndex: 0n }], onAppended: log.onAppended }
  const dearReads = createDearReads({ isWriting: isWritingOf(log.onAppended) })
  const search = await openSearchOf('rekor-v2', parts, dearReads, context)
  const logId = toBase64(noteKeyId(log.origin, signer.publicKey))
  const told = { pool, logger, metrics: createEventMetrics(registry), onStop }
  if (face.events !== undefined) await openEvents(face.events, parts, eventsOf(logId), told)
  const dependencies = {
    log,
    logId,
    searched: [storedSource('rekor-v1', readers), ownSource('rekor-v2', search, parts.list)],
    now: () => new Date(now()),
    dearReads,
    publicKeyPem: encodePublicKeyPem(signer.publicKey),
    verifyText,
    ...(gate !== undefined && { gate }),
    ...(face.duplicates !== undefined && { duplicates: face.duplicates }),
    bodyLimitBytes,
    entryLimitBytes,
  }
  const opened = rekorV2Of(dependencies)
  return {
    ...opened,
    register: async (app) => {
      metrics.measure(app, opened.prepared)
      await opened.register(app)
      // Loaded only where it is spoken.
      if (config.tls !== undefined) {
        const { grpcFace } = await import('./grpc/plugin.ts')
        await app.register(grpcFace, { face: dependencies, registry })
      }
    },
    log: () => log,
    publicKeyPem: dependencies.publicKeyPem,
    gauges: { queueDepth: log.queueDepth, searchBacklog: search.backlog },
    checks: () => {
      const fault = admissionFault?.()
      return {
        search: searchCheck(search.backlog()),
        ...(fault !== undefined && { admission: `changed rules refused: ${fault}` }),
      }
    },
  }
}

/** One that takes no entries is read all the same. */
function isClosedToWriters(error: unknown): boolean {
  return error instanceof LogError && ['frozen', 'read_only', 'maintenance'].includes(error.code)
}

/** The dialect and the tiles over a log that is open already. */
export function rekorV2Of(dependencies: RekorV2Dependencies): Face {
  const { log, dearReads = createDearReads() } = dependencies
  const prepared = createPreparedAnswers(preparedBytes)
  return {
    name: 'rekor-v2',
    prepared,
    errorHandlers: { errorHandler: replyWithRekorV2Error, notFoundHandler: replyWithRekorV2NotFound },
    tellsHealth: true,
    register: async (app) => {
      await app.register(rekorV2Face, dependencies)
      const bundles = createEntryBundles({ dearReads })
      for (const pathPrefix of tilePrefixes)
        await app.register(tilesFace, { log: async () => log, pathPrefix, bundles, prepared })
    },
  }
}
