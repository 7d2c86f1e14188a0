/** Where the console shows an entry that the monitor tells of: it follows logs that the console does not show, too. */
import type { ServiceUrls } from '../config.ts'
import type { FollowedLog } from '../sources/monitor.ts'

/** Undefined for an entry of a log that is not shown here. `log` is the number of the log at the monitor. */
export type LinkEntry = (log: string, leafIndex: string) => string | undefined

export function entryLinks(logs: readonly FollowedLog[], urls: ServiceUrls): LinkEntry {
  const places = new Map(logs.map((log) => [log.id, placeOf(log, urls)]))
  return (log, leafIndex) => {
    const place = places.get(log)
    return place === undefined || !/^\d{1,18}$/.test(leafIndex) ? undefined : `/entry/${place}/${leafIndex}`
  }
}

function placeOf({ kind, url, shard = '' }: FollowedLog, urls: ServiceUrls): string | undefined {
  if (kind === 'rekor-v2' && isSame(url, urls.rekorV2)) return 'rekor-v2'
  if (kind === 'ct' && isSame(url, urls.ct)) return 'ct'
  return kind === 'rekor-v1' && isSame(url, urls.rekor) && /^\d{1,20}$/.test(shard) ? shard : undefined
}

function isSame(url: string, other: string | undefined): boolean {
  return other !== undefined && url.replace(/\/$/, '') === other.replace(/\/$/, '')
}
