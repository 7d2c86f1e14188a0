/** The CT face over its log, as the environment describes it. */
import { encodePublicKeyPem } from '@sigstack/crypto'
import { openLog, rememberPublicKey } from '@sigstack/log-engine'
import { longestBundledEntry } from '@sigstack/merkle'
import { createDearReads } from '@sigstack/rekor-log'
import { createPreparedAnswers, openCheckThread } from '@sigstack/server'
import { openAddressLimiter } from '../../admission/open-limiter.ts'
import type { Face, FaceContext, OpenFace } from '../../face.ts'
import { isWritingOf } from '../../is-writing.ts'
import { openIssuers } from '../../issuers/store.ts'
import { logByOrigin } from '../../log-by-origin.ts'
import type { RootSource } from '../../roots/accepted-roots.ts'
import { fileRoots } from '../../roots/file-roots.ts'
import { urlRoots } from '../../roots/url-roots.ts'
import { createEntryBundles, preparedBytes, tilesFace } from '../tiles/index.ts'
import type { CtConfig } from './config.ts'
import { type CtDependencies, ctFace, replyWithCtError, replyWithCtNotFound } from './index.ts'
import { ctCheckpoints } from './sign-checkpoint.ts'
import { tileLeaves } from './static.ts'
import { createTreeTimes, type TreeTimes } from './tree-head.ts'

/** Changed files of accepted roots are looked for this often; unknown roots at once. */
const rootsPollMs = 5_000

export async function openCt(face: CtConfig, context: FaceContext): Promise<OpenFace> {
  const { config, signer, pool, readers, logger, metrics, now, onClock, onStop } = context
  const { bodyLimitBytes, entryLimitBytes = longestBundledEntry, hostname, queueLimit } = config
  const { prefix: pathPrefix, extendedKeyUsages } = face
  const name = pathPrefix === '' ? 'ct' : `ct${pathPrefix}`
  const dialect = logByOrigin(name, face.origin ?? `${hostname}${pathPrefix}`, signer)
  const signedHeads = context.signedHeadsOf(dialect.name, signer.publicKey)
  // Heads are signed when the log is open, and not before.
  const opened = Promise.withResolvers<TreeTimes>()
  const signCheckpoint = ctCheckpoints(signer, async (treeHead) => (await opened.promise)(treeHead))
  const log = await openLog({
    ...dialect,
    ...context.headsOf({ signCheckpoint }),
    ...(signedHeads !== undefined && { signedHeads }),
    pool,
    readers,
    now,
    queueLimit,
    onBatch: metrics.batch,
    onClock,
    onError: (error) => logger.error({ err: error }, 'a follower of the log failed'),
  })
  onStop(() => log.close())
  const checkThread = await openCheckThread()
  onStop(() => checkThread.stop())
  await rememberPublicKey(pool, dialect.name, signer.publicKey.spki)
  const timestampOf = createTreeTimes(log, now)
  opened.resolve(timestampOf)
  const issuers = await openIssuers(pool)
  const roots = await openRoots(face.roots, context)
  const addressLimiter = openAddressLimiter('ct-address', face, context)
  const dependencies = {
    log,
    signer,
    roots,
    pathPrefix,
    issuers,
    timestampOf,
    namesIndex: face.namesIndex ?? false,
    extendedKeyUsages,
    ...(addressLimiter !== undefined && { addressLimiter }),
    bodyLimitBytes,
    entryLimitBytes,
    nowMs: now,
  }
  return {
    ...ctOf(dependencies),
    log: () => log,
    publicKeyPem: encodePublicKeyPem(signer.publicKey),
    gauges: { queueDepth: log.queueDepth },
  }
}

/** The dialect and the tiles over a log that is open already. */
export function ctOf(dependencies: CtDependencies): Face {
  const { log, pathPrefix, issuers } = dependencies
  const prepared = createPreparedAnswers(preparedBytes)
  return {
    name: 'ct',
    prepared,
    errorHandlers: { errorHandler: replyWithCtError, notFoundHandler: replyWithCtNotFound },
    register: async (app) => {
      await app.register(ctFace, dependencies)
      const dearReads = createDearReads({ isWriting: isWritingOf(log.onAppended) })
      const bundles = createEntryBundles({ dearReads })
      const dataBundles = createEntryBundles({ dearReads, encode: tileLeaves(issuers) })
      await app.register(tilesFace, { log: async () => log, pathPrefix, bundles, dataBundles, prepared })
    },
  }
}

async function openRoots(
  roots: CtConfig['roots'],
  { logger, onStop }: Pick<FaceContext, 'logger' | 'onStop'>,
): Promise<RootSource> {
  const onError = (error: unknown) => logger.warn({ err: error }, 'the accepted roots could not be read')
  // Asked for when the first chain comes: the CA may start after its log.
  if ('url' in roots) return urlRoots(roots.url, onError)
  const source = fileRoots(roots.file, onError)
  await source.refresh()
  const poll = setInterval(() => void source.refresh(), rootsPollMs)
  poll.unref()
  onStop(() => clearInterval(poll))
  return source
}
