/** The authorities of a running CA: opened at the start, and again whenever their files change. */
import {
  type Authority,
  type AuthoritySet,
  type AuthoritySettings,
  authorityOptions,
  authorityPaths,
  chainEnd,
  openAuthoritySet,
} from '@sigstack/ca-authority'
import type { Certificate } from '@sigstack/x509'
import type { Reloads } from './reloads.ts'

export type Authorities = {
  issuing(): Authority
  others(): readonly (readonly Certificate[])[]
  /** When the first certificate of the issuing chain ends. */
  chainEnds(): Date
}

/** Throws one sentence for the operator. */
export function openAuthorities(config: AuthoritySettings): Promise<AuthoritySet> {
  return openAuthoritySet(authorityOptions(config))
}

/** Follows the files from now on: a rotation needs no restart, and one with a fault changes nothing. */
export async function followAuthorities(
  config: AuthoritySettings,
  initial: AuthoritySet,
  reloads: Reloads,
): Promise<Authorities> {
  const reloading = await reloads.follow<AuthoritySet>('authority', {
    paths: () => authorityPaths(authorityOptions(config)),
    initial,
    load: () => openAuthoritySet({ ...authorityOptions(config), mayMake: false }),
  })
  const issuing = (): Authority => reloading.current().issuing
  return {
    issuing,
    others: () => reloading.current().others,
    chainEnds: () => chainEnd(issuing()),
  }
}
