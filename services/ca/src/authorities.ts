/** The authorities of a running CA: opened at the start, and again whenever their files change. */
import { mkdir } from 'node:fs/promises'
import { ensurePassword } from '@sigstack/signers'
import type { Certificate } from '@sigstack/x509'
import {
  type AuthoritySet,
  type AuthoritySetOptions,
  authorityPaths,
  openAuthoritySet,
} from './adapters/authority-set.ts'
import { type Config, passwordPath } from './config.ts'
import type { Authority } from './issuance/dependencies.ts'
import type { Reloads } from './reloads.ts'

export type Authorities = {
  issuing(): Authority
  others(): readonly (readonly Certificate[])[]
  /** When the first certificate of the issuing chain ends. */
  chainEnds(): Date
}

export type AuthorityConfig = Pick<
  Config,
  'dataFolder' | 'ownAuthority' | 'trustedChainsPath' | 'keyPassword' | 'signTimeoutMs' | 'organization'
>

/** Throws one sentence for the operator. */
export function openAuthorities(config: AuthorityConfig): Promise<AuthoritySet> {
  return openAuthoritySet(optionsOf(config))
}

/** Follows the files from now on: a rotation needs no restart, and one with a fault changes nothing. */
export async function followAuthorities(
  config: AuthorityConfig,
  initial: AuthoritySet,
  reloads: Reloads,
): Promise<Authorities> {
  const reloading = await reloads.follow<AuthoritySet>('authority', {
    paths: () => authorityPaths(optionsOf(config)),
    initial,
    load: () => openAuthoritySet({ ...optionsOf(config), mayMake: false }),
  })
  const issuing = (): Authority => reloading.current().issuing
  return {
    issuing,
    others: () => reloading.current().others,
    chainEnds: () => chainEnd(issuing()),
  }
}

export function chainEnd({ chain }: Authority): Date {
  return new Date(Math.min(...chain.map(({ notAfter }) => notAfter.getTime())))
}

function optionsOf(config: AuthorityConfig): AuthoritySetOptions {
  const {
    dataFolder: folder,
    ownAuthority,
    trustedChainsPath,
    keyPassword,
    signTimeoutMs,
    organization,
  } = config
  return {
    folder,
    organization,
    now: new Date(),
    mayMake: true,
    folderPassword: () => folderPassword(folder, keyPassword),
    ...(ownAuthority !== undefined && { ownAuthority }),
    ...(trustedChainsPath !== undefined && { trustedChainsPath }),
    ...(keyPassword !== undefined && { ownPassword: keyPassword }),
    ...(signTimeoutMs !== undefined && { signTimeoutMs }),
  }
}

/** The configured one, else a random one beside the keys, made when it is not there. */
export async function folderPassword(folder: string, configured: string | undefined): Promise<string> {
  if (configured !== undefined) return configured
  await mkdir(folder, { recursive: true, mode: 0o700 })
  return ensurePassword(passwordPath(folder))
}
