/** Where the stack keeps its CA, for commands that look after it while it runs or before it ever did. */
import path from 'node:path'
import type { CeremonyFolder } from '@sigstack/ca'
import { ensurePassword } from '@sigstack/signers'
import { prepareDataDirectory } from './data-directory.ts'

/** The CA's folder below `dataDirectory`, with the password of the stack's keys. Throws one sentence. */
export async function caFolderOf(dataDirectory: string): Promise<CeremonyFolder> {
  const data = await prepareDataDirectory(dataDirectory)
  return { folder: data.ca, password: await ensurePassword(path.join(data.keys, 'password')) }
}
