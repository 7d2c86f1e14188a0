import { join } from 'node:path'
import { makeFolder } from '@sigstack/server/files'
import { ensurePassword } from '@sigstack/signers'

/** Of the key files in `folder`: the configured one, else a random one beside the keys, made when it is not there. */
export async function folderPassword(folder: string, configured: string | undefined): Promise<string> {
  if (configured !== undefined) return configured
  await makeFolder(folder, { mode: 0o700 })
  return ensurePassword(join(folder, 'password'))
}
