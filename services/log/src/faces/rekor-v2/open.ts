/** The Rekor v2 face over its logs, as the environment describes it, and as rollovers have made them since. */
import { defaultClientAlgorithms } from '@sigstack/crypto'
import { longestBundledEntry } from '@sigstack/merkle'
import type { VerifiedEntry } from '@sigstack/rekor-entries'
import { createDearReads } from '@sigstack/rekor-log'
import { createPreparedAnswers } from '@sigstack/server'
import { version } from '@sigstack/server/version'
import { openGate } from '../../admission/open-gate.ts'
import { createEventMetrics } from '../../events/metrics.ts'
import type { Face, FaceContext, OpenFace } from '../../face.ts'
import { watchWriting } from '../../is-writing.ts'
import { openLine } from '../../line/open-line.ts'
import { toldLine } from '../../line/told-line.ts'
import { lineChecks, searchCheck } from '../../readiness.ts'
import { storedSource } from '../../search/source.ts'
import { openSmallBodies } from '../../verification/small-bodies.ts'
import { timed } from '../../verification/timed.ts'
import { createEntryBundles, preparedBytes, tilesFace } from '../tiles/index.ts'
import { logAtHost, logNamed, logOfOrigin, siteAt } from './asked-log.ts'
import type { RekorV2Config } from './config.ts'
import {
  type RekorV2Dependencies,
  rekorV2Face,
  replyWithRekorV2Error,
  replyWithRekorV2NotFound,
} from './index.ts'
import { createRekorV2Metrics } from './metrics.ts'
import { openRekorV2Log } from './open-log.ts'
import { shardPrefix, tilePrefixes } from './routes.ts'

/** Of the first log, in the database. */
const line = 'rekor-v2'

export async function openRekorV2(face: RekorV2Config, context: FaceContext): Promise<OpenFace> {
  const { config, readers, logger, registry, metrics: logMetrics, now, onStop } = context
  const { bodyLimitBytes, entryLimitBytes = longestBundledEntry } = config
  const metrics = createRekorV2Metrics(registry, version)
  const { isWriting, wrote } = watchWriting()
  const dearReads = createDearReads({ isWriting })
  const eventMetrics = createEventMetrics(registry)
  const { list, unopened, trouble } = await openLine(line, context, async (log, ofLog) => {
    const opened = await openRekorV2Log(log, {
      face,
      context: ofLog,
      dearReads,
      eventMetrics,
      onLogged: metrics.logged,
    })
    opened.log.onAppended(wrote)
    return opened
  })
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

  const dependencies = {
    logs: list,
    unopened,
    toldLine: () => toldLine(readers, line),
    searched: async () => [storedSource('rekor-v1', readers), ...list().map(({ source }) => source)],
    now: () => new Date(now()),
    dearReads,
    verifyText,
    ...(gate !== undefined && { gate }),
    ...(face.duplicates !== undefined && { duplicates: face.duplicates }),
    bodyLimitBytes,
    entryLimitBytes,
  }
  const opened = rekorV2Of(dependencies)
  const searchBacklog = () => list().reduce((sum, { search }) => sum + search.backlog(), 0n)
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
    logs: () =>
      list().map((log, at) => ({
        ...log,
        ...(at > 0 && { pathPrefix: shardPrefix.replace(':shard', log.log.origin) }),
      })),
    gauges: {
      queueDepth: () => list().reduce((sum, { log }) => sum + log.queueDepth(), 0),
      searchBacklog,
    },
    checks: () => {
      const fault = admissionFault?.()
      return {
        search: searchCheck(searchBacklog()),
        ...(fault !== undefined && { admission: `changed rules refused: ${fault}` }),
        ...lineChecks(trouble()),
      }
    },
  }
}

/** The dialect and the tiles over logs that are open already. */
export function rekorV2Of(dependencies: RekorV2Dependencies): Face {
  const { logs, dearReads = createDearReads() } = dependencies
  const prepared = createPreparedAnswers(preparedBytes, (host) => siteAt(dependencies, host))
  return {
    name: 'rekor-v2',
    prepared,
    errorHandlers: { errorHandler: replyWithRekorV2Error, notFoundHandler: replyWithRekorV2NotFound },
    tellsHealth: true,
    register: async (app) => {
      await app.register(rekorV2Face, dependencies)
      const bundles = createEntryBundles({ dearReads })
      for (const pathPrefix of tilePrefixes)
        await app.register(tilesFace, {
          log: async (_shard, host) => (await logAtHost(dependencies, host)).log,
          isNamed: (host) => logNamed(logs(), host) !== undefined,
          pathPrefix,
          bundles,
          prepared,
        })
      const ofShard = async (origin = '') => (await logOfOrigin(dependencies, origin))?.log
      await app.register(tilesFace, { log: ofShard, pathPrefix: shardPrefix, bundles, prepared })
    },
  }
}
