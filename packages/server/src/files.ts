/**
 * Files that appear whole or not at all, and outlive a power failure from the moment that the caller is told. Loads nothing of the
 * server, so that a tool may take it: `@sigstack/server/files`.
 */
import { randomBytes } from 'node:crypto'
import { link, mkdir, open, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { errorCode } from '@sigstack/crypto'

/** What is written; a sequence of parts is never held in memory whole. */
export type Content = string | Uint8Array | AsyncIterable<Uint8Array>

export type FileOptions = {
  /** Default 0644. */
  readonly mode?: number
}

/**
 * Puts `content` at `path`: readers see the old file or the new one, never half of it. Throws what the file system throws, or what
 * `content` does, and then leaves the old file and no litter.
 */
export async function replaceFile(path: string, content: Content, options: FileOptions = {}): Promise<void> {
  await throughDraft(path, content, options, rename)
}

/**
 * Makes the file. False when there is one already, also when another process made it at the same moment; that one is left alone.
 * Throws as {@link replaceFile} does.
 */
export async function createFile(
  path: string,
  content: Content,
  options: FileOptions = {},
): Promise<boolean> {
  try {
    // Not a rename, which would replace what is there.
    await throughDraft(path, content, options, link)
    return true
  } catch (cause) {
    if (errorCode(cause) === 'EEXIST') return false
    throw cause
  }
}

/**
 * Makes the folder, and those above it that are missing, as `mkdir -p` does. Node's own `recursive` loses the reason on a read-only
 * disk, and never returns where a file system says that there is no such folder to whoever makes one, as /proc does.
 */
export async function makeFolder(path: string, { mode = 0o755 }: FileOptions = {}): Promise<void> {
  try {
    await mkdir(path, { mode })
  } catch (error) {
    if (errorCode(error) === 'ENOENT' && dirname(path) !== path) {
      await makeFolder(dirname(path))
      await mkdir(path, { mode }).catch(ignoreExisting)
    } else if (!(await isFolder(path))) throw error
  }
}

/** Another process may have made it meanwhile. */
function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false
}

/** A crash half way leaves a draft behind: litter, with the mode of the file itself. */
async function throughDraft(
  path: string,
  content: Content,
  { mode = 0o644 }: FileOptions,
  publish: (draft: string, path: string) => Promise<void>,
): Promise<void> {
  const draft = `${path}.${randomBytes(6).toString('hex')}.tmp`
  try {
    const file = await open(draft, 'wx', mode)
    try {
      await file.writeFile(content)
      await file.sync()
    } finally {
      await file.close()
    }
    await publish(draft, path)
    await syncFolder(dirname(path))
  } finally {
    await rm(draft, { force: true }).catch(() => undefined)
  }
}

/** Some file systems keep their names without being asked, and refuse to be. */
const refusals = new Set(['EINVAL', 'EBADF', 'ENOTSUP', 'ENOSYS'])

/** Makes the names in a folder durable, not only the bytes behind them. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } catch (error) {
    if (!refusals.has(errorCode(error) ?? '')) throw error
  } finally {
    await folder.close()
  }
}
