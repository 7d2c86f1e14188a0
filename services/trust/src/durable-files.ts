/** Files that appear whole or not at all, with a sentence for the operator when the folder does not take them. */
import { randomBytes } from 'node:crypto'
import { access, constants, link, mkdir, open, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { replaceFile } from '@sigstack/server'
import { TrustError } from './errors.ts'

/** Makes the folder where it is missing. Better now than when the first key has been collected. */
export async function prepareFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true })
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
    if (codeOf(cause) === 'ENOENT') return undefined
    throw new TrustError('data_unusable', `${path} cannot be read`, { cause })
  }
}

/** Readers see the old file or the new one. */
export async function replaceOrRefuse(path: string, text: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true })
    await replaceFile(path, text)
  } catch (cause) {
    throw unwritable(path, cause)
  }
}

/** False when the file was there already, also when another process made it at the same moment; it is left alone. */
export async function createFile(path: string, content: Uint8Array): Promise<boolean> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`
  try {
    await writeFile(temporary, content, { flag: 'wx', mode: 0o644, flush: true })
    // Not rename, which would replace what is there.
    await link(temporary, path)
    await syncFolder(dirname(path))
    return true
  } catch (cause) {
    if (codeOf(cause) === 'EEXIST') return false
    throw unwritable(path, cause)
  } finally {
    await rm(temporary, { force: true }).catch(() => undefined)
  }
}

/** A number that others have seen must not be free again after a power failure. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

function unwritable(path: string, cause: unknown): TrustError {
  const reason = codeOf(cause) ?? 'unknown reason'
  return new TrustError(
    'data_unusable',
    `cannot write ${path} (${reason}); TRUST_DATA must be a writable folder`,
    { cause },
  )
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined
}
