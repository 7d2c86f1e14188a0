/** What the commands about authorities share: whose folder, and how its refusals are told. */
import type { CeremonyFolder } from '@sigstack/ca-authority'
import { readSecret } from '@sigstack/server/secret'
import { dataFolder } from '../endpoints.ts'
import { CliError } from '../errors.ts'
import { type Io, setting } from '../io.ts'

export type FolderOptions = {
  readonly data?: string
  readonly caData?: string
  readonly tsaData?: string
  readonly json?: boolean
}

export async function ceremonyFolder(io: Io, options: FolderOptions): Promise<CeremonyFolder> {
  const folder = options.caData ?? (options.data === undefined ? setting(io, 'CA_DATA') : undefined)
  const password = readSecret(io.environment, 'CA_KEY_PASSWORD')
  if (folder === undefined) {
    const { caFolderOf } = await import('@sigstack/stack/ca-folder')
    return caFolderOf(dataFolder(io, options.data), password)
  }
  return { folder, ...(password !== undefined && { password }) }
}

/** The same of a timestamp authority. */
export async function stampFolder(io: Io, options: FolderOptions): Promise<CeremonyFolder> {
  const folder = options.tsaData ?? (options.data === undefined ? setting(io, 'TSA_DATA') : undefined)
  const password = readSecret(io.environment, 'TSA_KEY_PASSWORD')
  if (folder === undefined) {
    const { stampFolderOf } = await import('@sigstack/stack/ca-folder')
    return stampFolderOf(dataFolder(io, options.data), password)
  }
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
