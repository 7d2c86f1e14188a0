/** What the commands about authorities share: whose folder, and how its refusals are told. */
import { readSecret } from '@sigstack/server'
import type { CeremonyFolder } from '@sigstack/stack'
import { dataFolder } from '../endpoints.ts'
import { CliError } from '../errors.ts'
import type { Io } from '../io.ts'

export type FolderOptions = { readonly data?: string; readonly caData?: string; readonly json?: boolean }

/** Only these commands pay for loading the services. */
export const loadStack = () => import('@sigstack/stack')

export async function ceremonyFolder(io: Io, options: FolderOptions): Promise<CeremonyFolder> {
  const folder = options.caData ?? (options.data === undefined ? io.environment['CA_DATA'] : undefined)
  if (folder === undefined) return (await loadStack()).caFolderOf(dataFolder(io, options.data))
  const password = readSecret(io.environment, 'CA_KEY_PASSWORD')
  return { folder, ...(password !== undefined && { password }) }
}

/** Refusals of the ceremonies are for the operator; other errors are ours. */
export async function attempt<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    const names = ['AuthorityError', 'SignerError', 'X509Error', 'CryptoError']
    if (!(cause instanceof Error) || !names.includes(cause.name)) throw cause
    throw new CliError('bad_authority', cause.message, { cause })
  }
}
