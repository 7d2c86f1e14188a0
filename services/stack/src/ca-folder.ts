/**
 * Where the stack keeps its CA and its timestamp authority, for commands that look after it while it runs or before it ever did. Loads no service:
 * `@sigstack/stack/ca-folder`.
 */
import { type CeremonyFolder, folderPassword } from '@sigstack/ca-authority'
import { prepareDataDirectory } from './data-directory.ts'

/**
 * The CA's folder below `dataDirectory`, and the password of its keys: `configured` is CA_KEY_PASSWORD, which counts here
 * as it does in the stack, else it is that of all keys of the stack. Throws one sentence.
 */
export async function caFolderOf(dataDirectory: string, configured?: string): Promise<CeremonyFolder> {
  const data = await prepareDataDirectory(dataDirectory)
  return { folder: data.ca, password: await folderPassword(data.keys, configured) }
}

/** The same of the timestamp authority; `configured` is TSA_KEY_PASSWORD. */
export async function stampFolderOf(dataDirectory: string, configured?: string): Promise<CeremonyFolder> {
  const data = await prepareDataDirectory(dataDirectory)
  return { folder: data.tsa, password: await folderPassword(data.keys, configured) }
}
