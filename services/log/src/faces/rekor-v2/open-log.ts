/** One log of the line, with what follows it: search and events. One log: one host name, origin, key. */
import { noteKeyId } from '@sigstack/checkpoint'
import { encodePublicKeyPem, type Signer, toBase64 } from '@sigstack/crypto'
import { type Log, LogError, openLog } from '@sigstack/log-engine'
import { type DearReads, isSearchedLog, type LogParts, type SearchIndex } from '@sigstack/rekor-log'
import type { EventMetrics } from '../../events/metrics.ts'
import { openEvents } from '../../events/open-events.ts'
import type { FaceContext } from '../../face.ts'
import { logByOrigin } from '../../log-by-origin.ts'
import { openSearchOf } from '../../search/open-search.ts'
import { type OpenSource, ownSource } from '../../search/source.ts'
import type { RekorV2Config } from './config.ts'
import type { RekorV2Log } from './dependencies.ts'
import { logFirstEntry } from './first-entry.ts'
import { eventsOf } from './new-entry-event.ts'

export type OpenRekorV2Log = RekorV2Log & {
  readonly log: Log
  readonly search: SearchIndex
  readonly source: OpenSource
}

export type OpenRekorV2LogOptions = {
  readonly face: RekorV2Config
  readonly context: FaceContext
  readonly dearReads: DearReads
  readonly eventMetrics: EventMetrics
  /** Told how many entries were logged, but for the first, which is nobody's. */
  readonly onLogged: (count: number) => void
}

/** A log that is made gets the origin of the settings: the host name alone, and the key's own name (rekor-v2.md section 10.2). */
export async function openRekorV2Log(
  { name, signer }: { readonly name: string; readonly signer: Signer },
  { face, context, dearReads, eventMetrics, onLogged }: OpenRekorV2LogOptions,
): Promise<OpenRekorV2Log> {
  const { config, pool, readers, logger, batches, now, onClock, onStop } = context
  if (!isSearchedLog(name)) throw new Error(`${name} is not the name of a log of Rekor v2`)
  const dialect = logByOrigin(name, config.hostname, signer)
  const signedHeads = context.signedHeadsOf(name, signer.publicKey)
  let isOpen = false
  const log = await openLog({
    ...dialect,
    ...context.headsOf(dialect),
    ...(signedHeads !== undefined && { signedHeads }),
    pool,
    readers,
    now,
    queueLimit: config.queueLimit,
    ...batches,
    onBatch: (batch) => {
      batches.onBatch(batch)
      if (isOpen) onLogged(batch.entries)
    },
    onClock,
    onError: (error) => logger.error({ err: error }, 'a follower of the log failed'),
  })
  onStop(() => log.close())
  await logFirstEntry(log, signer).catch((error: unknown) => {
    if (!isClosedToWriters(error)) throw error
  })
  // Readers and witnesses ask for it before anybody has written.
  await log.checkpoint()
  isOpen = true
  const parts: LogParts = { list: () => [{ log, firstIndex: 0n }], onAppended: log.onAppended }
  const search = await openSearchOf(name, parts, dearReads, context)
  const logId = toBase64(noteKeyId(log.origin, signer.publicKey))
  if (face.events !== undefined)
    await openEvents(face.events, parts, eventsOf(logId), { pool, logger, metrics: eventMetrics, onStop })
  return {
    log,
    logId,
    publicKeyPem: encodePublicKeyPem(signer.publicKey),
    search,
    source: ownSource(name, search, parts.list),
  }
}

/** One that takes no entries is read all the same. */
function isClosedToWriters(error: unknown): boolean {
  return error instanceof LogError && ['frozen', 'read_only', 'maintenance'].includes(error.code)
}
