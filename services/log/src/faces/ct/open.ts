/** The CT face over its logs, as the environment describes it, and as rollovers have made them since. */
import { encodePublicKeyPem, type Signer } from '@sigstack/crypto'
import { openLog, type PlacedLog } from '@sigstack/log-engine'
import { longestBundledEntry } from '@sigstack/merkle'
import { createDearReads } from '@sigstack/rekor-log'
import { createPreparedAnswers, openCheckThread } from '@sigstack/server'
import { openAddressLimiter } from '../../admission/open-limiter.ts'
import type { Face, FaceContext, OpenFace } from '../../face.ts'
import { isWritingOf, watchWriting } from '../../is-writing.ts'
import { openIssuers } from '../../issuers/store.ts'
import { openLine } from '../../line/open-line.ts'
import { toldLine } from '../../line/told-line.ts'
import { notOpenHere } from '../../line/unopened.ts'
import { logByOrigin } from '../../log-by-origin.ts'
import { lineChecks } from '../../readiness.ts'
import type { RootSource } from '../../roots/accepted-roots.ts'
import { fileRoots } from '../../roots/file-roots.ts'
import { urlRoots } from '../../roots/url-roots.ts'
import { createEntryBundles, preparedBytes, tilesFace } from '../tiles/index.ts'
import type { CtConfig } from './config.ts'
import { CtRefusal } from './errors.ts'
import {
  type CtDependencies,
  ctFace,
  type LaterCtLog,
  replyWithCtError,
  replyWithCtNotFound,
} from './index.ts'
import { laterPrefix } from './routes.ts'
import { ctCheckpoints } from './sign-checkpoint.ts'
import { tileLeaves } from './static.ts'
import { createTreeTimes, type TreeTimes } from './tree-head.ts'

/** Changed files of accepted roots are looked for this often; unknown roots at once. */
const rootsPollMs = 5_000

export async function openCt(face: CtConfig, context: FaceContext): Promise<OpenFace> {
  const { config, pool, readers, now, onStop } = context
  const { bodyLimitBytes, entryLimitBytes = longestBundledEntry } = config
  const { prefix: pathPrefix, extendedKeyUsages } = face
  const line = `ct${pathPrefix}`
  const issuers = await openIssuers(pool)
  const roots = await openRoots(face.roots, context)
  const addressLimiter = openAddressLimiter('ct-address', face, context)
  const common = {
    roots,
    toldLine: () => toldLine(readers, line),
    issuers,
    namesIndex: face.namesIndex ?? false,
    extendedKeyUsages,
    ...(addressLimiter !== undefined && { addressLimiter }),
    bodyLimitBytes,
    entryLimitBytes,
    nowMs: now,
  }
  const checkThread = await openCheckThread()
  onStop(() => checkThread.stop())
  const { isWriting, wrote } = watchWriting()
  const { list, unopened, trouble } = await openLine(line, context, async (log, ofLog) => {
    const opened = await openCtLog(log, face, ofLog)
    opened.log.onAppended(wrote)
    return { ...common, ...opened }
  })
  const [first] = list()
  return {
    ...ctOf(first, {
      later: async (name) => {
        const found = list().find((log) => log !== first && log.pathPrefix === `/${name}`)
        if (found === undefined) refuseUnopened(await unopened.now(), name)
        return found
      },
      isWriting,
    }),
    logs: list,
    gauges: { queueDepth: () => list().reduce((sum, { log }) => sum + log.queueDepth(), 0) },
    checks: () => lineChecks(trouble()),
  }
}

/** One log of the line: that of the settings, or one that follows it at a path of its own, which is in its name. */
async function openCtLog(
  { name, signer }: { readonly name: string; readonly signer: Signer },
  { origin, prefix }: CtConfig,
  context: FaceContext,
) {
  const { config, pool, readers, logger, batches, now, onClock, onStop } = context
  const { hostname, queueLimit } = config
  const dialect = logByOrigin(name, origin ?? `${hostname}${prefix}`, signer)
  const signedHeads = context.signedHeadsOf(name, signer.publicKey)
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
    ...batches,
    onClock,
    onError: (error) => logger.error({ err: error }, 'a follower of the log failed'),
  })
  onStop(() => log.close())
  const timestampOf = createTreeTimes(log, now)
  opened.resolve(timestampOf)
  const publicKeyPem = encodePublicKeyPem(signer.publicKey)
  return { log, signer, publicKeyPem, timestampOf, pathPrefix: name.slice('ct'.length) }
}

/** The dialect and the tiles over a log that is open already, and over those that follow it. */
export function ctOf(
  first: CtDependencies,
  options: { readonly later?: LaterCtLog; readonly isWriting?: () => boolean } = {},
): Face {
  const { log, pathPrefix, issuers } = first
  const { later = async () => undefined, isWriting = isWritingOf(log.onAppended) } = options
  const prepared = createPreparedAnswers(preparedBytes)
  return {
    name: 'ct',
    prepared,
    errorHandlers: { errorHandler: replyWithCtError, notFoundHandler: replyWithCtNotFound },
    register: async (app) => {
      await app.register(ctFace, { ...first, later })
      const dearReads = createDearReads({ isWriting })
      const bundles = createEntryBundles({ dearReads })
      const dataBundles = createEntryBundles({ dearReads, encode: tileLeaves(issuers) })
      const tiles = { bundles, dataBundles, prepared }
      await app.register(tilesFace, { ...tiles, log: async () => log, pathPrefix })
      await app.register(tilesFace, {
        ...tiles,
        log: async (name = '') => (await later(name))?.log,
        pathPrefix: laterPrefix,
      })
    },
  }
}

/** Throws a refusal, after which the CA comes again (tsa-and-ct.md section B7). */
function refuseUnopened(unopened: readonly PlacedLog[], name: string): void {
  const asked = unopened.find((log) => log.name === `ct/${name}`)
  if (asked !== undefined) throw new CtRefusal(503, notOpenHere(asked))
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
