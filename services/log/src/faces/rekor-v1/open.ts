/** The Rekor v1 face over its log, as the environment describes it: shards, search, settings, events. */
import { defaultClientAlgorithms } from '@sigstack/crypto'
import { longestBundledEntry } from '@sigstack/merkle'
import {
  createDearReads,
  findShard,
  openShardSet,
  type SearchIndex,
  type ShardSet,
} from '@sigstack/rekor-log'
import { createPreparedAnswers } from '@sigstack/server'
import { version } from '@sigstack/server/version'
import { keyFolderOf } from '@sigstack/signers'
import { createEventMetrics } from '../../events/metrics.ts'
import { openEvents } from '../../events/open-events.ts'
import type { Face, FaceContext, OpenFace } from '../../face.ts'
import { isWritingOf } from '../../is-writing.ts'
import { nextKeyCheck, searchCheck } from '../../readiness.ts'
import { openSearchOf } from '../../search/open-search.ts'
import { ownSource, storedSources } from '../../search/source.ts'
import { openSmallBodies } from '../../verification/small-bodies.ts'
import { timed } from '../../verification/timed.ts'
import { createEntryBundles, preparedBytes, tilesFace } from '../tiles/index.ts'
import type { RekorConfig } from './config.ts'
import type { RekorV1Dependencies } from './dependencies.ts'
import { rekorV1Face } from './index.ts'
import { createRekorMetrics, type RekorMetrics } from './metrics.ts'
import { bareEvent, newEntryEvent } from './new-entry-event.ts'
import { openSettings } from './open-settings.ts'
import { replyWithRekorError, replyWithRekorNotFound } from './reply-with-error.ts'

export async function openRekorV1(face: RekorConfig, context: FaceContext): Promise<OpenFace> {
  const { config, pool, logger, registry, metrics: logMetrics, now, onStop } = context
  const { bodyLimitBytes, entryLimitBytes = longestBundledEntry } = config
  const shards = await openShards(context)
  const dearReads = createDearReads({ isWriting: isWritingOf(shards.onAppended) })
  const search = await openSearchOf('rekor-v1', shards, dearReads, context)
  const clock = () => new Date(now())
  const policy = {
    now: clock,
    allowedAlgorithms: face.clientAlgorithms ?? defaultClientAlgorithms,
    ...(face.enabledKinds !== undefined && { enabledKinds: face.enabledKinds }),
    ...(face.metadataLimitBytes !== undefined && { metadataLimitBytes: face.metadataLimitBytes }),
    ...(face.workLimit !== undefined && { workLimit: face.workLimit }),
    // Only limits of signers look at them.
    tellsSignatures: (face.identityLimits ?? []).length > 0,
  }
  const metrics = createRekorMetrics(registry, version)
  const parts = { pool, logger, policy, metrics, onStop }
  const { settings, admissionFault } = await openSettings(face, parts)
  const told = { pool, logger, metrics: createEventMetrics(registry), onStop }
  if (face.events !== undefined) await openEvents(face.events, shards, { newEntryEvent, bareEvent }, told)
  const smallBodies = openSmallBodies({ policy })
  onStop(() => smallBodies.stop())

  const measured = { verified: logMetrics.verified, workRefused: metrics.workRefused }
  const dialect = rekorV1Of({
    shards,
    search: timedSearch(search, metrics.searched),
    searched: async () => [
      ownSource('rekor-v1', search, shards.list),
      ...(await storedSources(context.readers)),
    ],
    dearReads,
    now: clock,
    verifyText: (text, sender) => timed(smallBodies.verify(text, sender), measured),
    bodyLimitBytes,
    entryLimitBytes,
    settings,
  })
  return {
    ...dialect,
    register: async (app) => {
      metrics.measure(app, dialect.prepared)
      await dialect.register(app)
    },
    logs: () => [shards.active()],
    gauges: { queueDepth: shards.queueDepth, searchBacklog: search.backlog },
    checks: () => ({
      search: searchCheck(search.backlog()),
      ...(admissionFault !== undefined && { admission: refusedOr(admissionFault()) }),
      ...nextKeyCheck(shards.nextKeyTrouble()),
    }),
  }
}

/** The dialect and the tiles over a log that is open already. */
export function rekorV1Of(dependencies: RekorV1Dependencies): Face {
  const { shards, dearReads = createDearReads() } = dependencies
  const prepared = createPreparedAnswers(preparedBytes)
  return {
    name: 'rekor-v1',
    prepared,
    errorHandlers: { errorHandler: replyWithRekorError, notFoundHandler: replyWithRekorNotFound },
    register: async (app) => {
      await app.register(rekorV1Face, { ...dependencies, dearReads, prepared })
      const bundles = createEntryBundles({ dearReads })
      const active = () => shards.active().log
      await app.register(tilesFace, {
        log: async () => active(),
        pathPrefix: '',
        alias: active,
        bundles,
        prepared,
      })
      // Every shard at a place of its own, which a rollover does not change.
      const byTreeId = async (treeId = '') =>
        /^[1-9]\d{0,18}$/.test(treeId) ? (await findShard(shards, BigInt(treeId)))?.log : undefined
      await app.register(tilesFace, {
        log: byTreeId,
        pathPrefix: '/shards/:shard',
        bundles,
        prepared,
      })
    },
  }
}

async function openShards(context: FaceContext): Promise<ShardSet> {
  const { config, signer, guarded, pool, readers, logger, batches, now, onClock, onStop } = context
  const { hostname, queueLimit, keysFolder, keyLocation, keyPassword } = config
  const folder = keysFolder ?? keyFolderOf(keyLocation)
  if (folder === undefined) throw new Error('the keys of later shards have no folder')
  const shards = await openShardSet({
    pool,
    readers,
    keys: {
      first: signer,
      folder,
      password: keyPassword,
      wrap: guarded,
    },
    signedHeadsOf: context.signedHeadsOf,
    headsOf: context.headsOf,
    now,
    series: 'rekor-v1',
    hostname,
    queueLimit,
    ...batches,
    onClock,
    onNews: (news) => logger.info(news),
    onError: (error) => logger.error({ err: error }, 'the shards of the log could not be followed'),
  })
  onStop(() => shards.close())
  return shards
}

function refusedOr(fault: string | undefined): string {
  return fault === undefined ? 'ok' : `changed rules refused: ${fault}`
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
