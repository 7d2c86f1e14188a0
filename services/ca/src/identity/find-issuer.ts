/** Which configured issuer a token belongs to. */
import { issuerPattern } from '@sigstack/policy'
import type { IssuerEntry } from './identity.ts'

export type FindIssuer = (issuerUrl: string) => IssuerEntry | undefined

const longestIssuer = 2048

/**
 * Exact entries first, byte for byte; then patterns in the order of the file. `*` stands for one or more of `A-Z a-z 0-9
 * _ -`, and both ends are anchored: an open end lets a token choose the host that its keys come from (GHSA-59jp-pj84-45mr).
 */
export function createFindIssuer(entries: readonly IssuerEntry[]): FindIssuer {
  const exact = new Map(entries.filter(({ isPattern }) => !isPattern).map((entry) => [entry.url, entry]))
  const patterns = entries
    .filter(({ isPattern }) => isPattern)
    .map((entry) => ({ entry, matches: issuerPattern(entry.url) }))
  return (issuerUrl) => {
    if (issuerUrl.length > longestIssuer) return undefined
    return exact.get(issuerUrl) ?? patterns.find(({ matches }) => matches(issuerUrl))?.entry
  }
}
