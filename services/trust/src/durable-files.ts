/** Files that appear whole or not at all, with a sentence for the operator when the folder does not take them. */
import { access, constants, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { errorCode } from '@sigstack/crypto'
import { createFile, makeFolder, replaceFile } from '@sigstack/server'
import { TrustError } from './errors.ts'

/** Makes the folder where it is missing. Better now than when the first key has been collected. */
export async function prepareFolder(path: string): Promise<void> {
  try {
    await makeFolder(path)
    await access(path, constants.W_OK)
  } catch (cause) {
    throw unwritable(path, cause)
  }
}

/** Undefined when there is no such file. */
export async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path)
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return undefined
    throw new TrustError('data_unusable', `${path} cannot be read`, { cause })
  }
}

/** Readers see the old file or the new one. */
export async function replaceOrRefuse(path: string, text: string): Promise<void> {
  try {
    await makeFolder(dirname(path))
    await replaceFile(path, text)
  } catch (cause) {
    throw unwritable(path, cause)
  }
}

/** False when the file was there already, also when another process made it at the same moment; it is left alone. */
export async function createOrRefuse(path: string, content: Uint8Array): Promise<boolean> {
  try {
    return await createFile(path, content)
  } catch (cause) {
    throw unwritable(path, cause)
  }
}

function unwritable(path: string, cause: unknown): TrustError {
  const reason = errorCode(cause) ?? 'unknown reason'
  return new TrustError(
    'data_unusable',
    `cannot write ${path} (${reason}); TRUST_DATA must be a writable folder`,
    { cause },
  )
}
