/** The search index of the log that a face has open, followed in a thread of its own. */
import {
  type DearReads,
  followInThread,
  type LogParts,
  openSearch,
  type SearchedLog,
  type SearchIndex,
  wholeLog,
} from '@sigstack/rekor-log'
import type { FaceContext } from '../face.ts'

export async function openSearchOf(
  name: SearchedLog,
  parts: LogParts,
  dearReads: DearReads,
  {
    config,
    pool,
    readers,
    logger,
    onStop,
  }: Pick<FaceContext, 'config' | 'pool' | 'readers' | 'logger' | 'onStop'>,
): Promise<SearchIndex> {
  const log = wholeLog(parts, name)
  const onError = (error: unknown) => logger.warn({ err: error }, 'the search index could not follow the log')
  const turns = followInThread({ databaseUrl: config.databaseUrl, name, logId: log.logId, onError })
  const search = await openSearch({ pool, readers, log, turns, onError, dearReads })
  onStop(() => search.stop())
  return search
}
