/** What a service that issues or stamps is told of its keys and chains, and what opening them takes. */
import type { AuthoritySetOptions } from './authority-set.ts'
import { folderPassword } from './folder-password.ts'

export type AuthoritySettings = {
  /** Where keys and chains are, or are made. */
  readonly dataFolder: string
  /** Key and chain of the operator's own, in place of those in the data folder. */
  readonly ownAuthority?: { readonly keyUri: string; readonly chainPath: string }
  /** More chains for verifiers: those before and after this one. */
  readonly trustedChainsPath?: string
  /** Of the key files, and the PIN of a token whose URI names none. Undefined: a random one is kept beside the files. */
  readonly keyPassword?: string
  /** For one signature of a key that is no file. */
  readonly signTimeoutMs?: number
  /** In the names of certificates made on first start. */
  readonly organization: string
}

export function authorityOptions(settings: AuthoritySettings): AuthoritySetOptions {
  const { dataFolder: folder, ownAuthority, trustedChainsPath, keyPassword, signTimeoutMs } = settings
  return {
    folder,
    organization: settings.organization,
    now: new Date(),
    mayMake: true,
    folderPassword: () => folderPassword(folder, keyPassword),
    ...(ownAuthority !== undefined && { ownAuthority }),
    ...(trustedChainsPath !== undefined && { trustedChainsPath }),
    ...(keyPassword !== undefined && { ownPassword: keyPassword }),
    ...(signTimeoutMs !== undefined && { signTimeoutMs }),
  }
}
