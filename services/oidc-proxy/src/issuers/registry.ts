import { issuerPattern } from '@sigstack/policy'
import type { Issuer, IssuerEntry } from './issuer.ts'
import { isIssuerUrl, isPattern, maxIssuerUrlLength } from './issuer.ts'

export type IssuerRegistry = {
  /** The issuers named by URL; families are not in it, since their members are unknown. */
  readonly named: readonly Issuer[]
  readonly patterns: readonly string[]
  /** Compares byte for byte: a trailing slash makes another issuer. Undefined when nothing permits `url`. */
  find(url: string): Issuer | undefined
}

/** Named issuers win over patterns; among patterns the first in the list wins. */
export function createIssuerRegistry(entries: readonly IssuerEntry[]): IssuerRegistry {
  const named = new Map<string, Issuer>()
  const families: { readonly matches: (url: string) => boolean; readonly entry: IssuerEntry }[] = []
  for (const entry of entries) {
    if (isPattern(entry.url)) families.push({ matches: issuerPattern(entry.url), entry })
    else named.set(entry.url, { url: entry.url, entry })
  }

  return {
    named: [...named.values()],
    patterns: families.map(({ entry }) => entry.url),
    find(url) {
      if (url.length > maxIssuerUrlLength) return undefined
      const exact = named.get(url)
      if (exact !== undefined) return exact
      const family = families.find(({ matches }) => matches(url))
      if (family === undefined || !isIssuerUrl(url, family.entry)) return undefined
      return { url, entry: family.entry }
    },
  }
}
