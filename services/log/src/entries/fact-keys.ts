/**
 * Search keys of what an entry tells about itself beside what Rekor indexes: the issuer of the identity token, the serial number of
 * the certificate, the kind. They start with a NUL, which no key of Rekor's does, so the two never meet.
 */
import type { EntryFacts } from './signing-identity.ts'

export const issuerKey = (issuer: string): string => `\0issuer:${issuer}`
export const serialKey = (serialNumber: string): string => `\0serial:${serialNumber}`
export const kindKey = (kind: string): string => `\0kind:${kind}`

/** Most entries are of this kind, so it is the one that is not written down. */
export const unmarkedKind = 'hashedrekord'

export function factKeys(facts: EntryFacts | undefined): readonly string[] {
  if (facts === undefined) return []
  const keys = new Set<string>()
  for (const { tokenIssuer, serialNumber } of facts.identities) {
    if (tokenIssuer !== undefined) keys.add(issuerKey(tokenIssuer))
    if (serialNumber !== undefined) keys.add(serialKey(serialNumber))
  }
  if (facts.kind !== unmarkedKind) keys.add(kindKey(facts.kind))
  return [...keys]
}
