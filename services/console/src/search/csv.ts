import { csvOf } from '../html/csv.ts'
import type { FoundEntry } from '../sources/rekor.ts'

/** Entries as CSV. */
export function entriesCsv(entries: readonly FoundEntry[]): string {
  const rows = entries.map(
    ({ uuid, origin, logIndex, integratedTime, kind, subjects, issuers, keyHashes }) => [
      String(logIndex),
      integratedTime === undefined ? '' : new Date(integratedTime * 1000).toISOString(),
      kind,
      subjects.join(' '),
      issuers.join(' '),
      keyHashes.join(' '),
      uuid ?? '',
      origin ?? '',
    ],
  )
  return csvOf([['index', 'logged', 'kind', 'subjects', 'issuers', 'keyHashes', 'uuid', 'origin'], ...rows])
}
