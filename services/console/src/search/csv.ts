/** Entries as CSV (RFC 4180) for a table calculation, which must take no cell for a formula. */
import type { FoundEntry } from '../sources/rekor.ts'

export function csvOf(entries: readonly FoundEntry[]): string {
  const rows = entries.map(({ uuid, logIndex, integratedTime, kind, subjects, issuers, keyHashes }) => [
    String(logIndex),
    new Date(integratedTime * 1000).toISOString(),
    kind,
    subjects.join(' '),
    issuers.join(' '),
    keyHashes.join(' '),
    uuid,
  ])
  const header = ['index', 'logged', 'kind', 'subjects', 'issuers', 'keyHashes', 'uuid']
  return [header, ...rows].map((row) => `${row.map(cell).join(',')}\r\n`).join('')
}

function cell(text: string): string {
  const plain = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain
}
