import { isMissingFile, SignerError } from './errors.ts'
import { readSecretFile, writeSecretFile } from './secret-file.ts'
import { randomPassword } from './stretching.ts'

/**
 * The password in `path`, a random one of 256 bits when there is no such file yet. For a stack on a single machine,
 * where the password lies beside the keys and protects only copies of them.
 */
export async function ensurePassword(path: string): Promise<string> {
  try {
    // First, because the folder of a finished set-up may be read-only.
    return await readPassword(path)
  } catch (error) {
    if (!isMissingFile(error)) throw error
  }
  try {
    await writeSecretFile(path, `${randomPassword()}\n`)
  } catch (error) {
    // Another process was faster; its password counts.
    if (!(error instanceof SignerError) || error.code !== 'already_exists') throw error
  }
  return readPassword(path)
}

async function readPassword(path: string): Promise<string> {
  const password = (await readSecretFile(path)).replace(/\r?\n$/, '')
  if (password === '') throw new SignerError('password_missing', `the password file ${path} is empty`)
  return password
}
