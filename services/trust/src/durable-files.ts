/** Files that appear whole or not at all, and outlive a power failure. */
import { randomBytes } from 'node:crypto'
import { access, constants, link, mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
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
export async function replaceFile(path: string, content: string): Promise<void> {
  await writeBeside(path, content, (temporary) => rename(temporary, path))
}

/** False when the file was there already, also when another process made it at the same moment; it is left alone. */
export async function createFile(path: string, content: Uint8Array): Promise<boolean> {
  let created = true
  await writeBeside(path, content, async (temporary) => {
    try {
      // Not rename, which would replace what is there.
      await link(temporary, path)
    } catch (cause) {
      if (codeOf(cause) !== 'EEXIST') throw cause
      created = false
    }
  })
  return created
}

async function writeBeside(
  path: string,
  content: string | Uint8Array,
  putInPlace: (temporary: string) => Promise<void>,
): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`
  try {
    await mkdir(dirname(path), { recursive: true })
    const file = await open(temporary, 'wx', 0o644)
    try {
      await file.writeFile(content)
      await file.sync()
    } finally {
      await file.close()
    }
    await putInPlace(temporary)
    await syncFolder(dirname(path))
  } catch (cause) {
    throw unwritable(path, cause)
  } finally {
    await rm(temporary, { force: true }).catch(() => undefined)
  }
}

/** The new name must outlive a power failure too, not only the bytes behind it. */
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
