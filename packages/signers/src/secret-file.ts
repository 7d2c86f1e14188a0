/** Files that hold secrets: only their owner writes them, they appear whole or not at all, and never change. */
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { errorCode, reasonOf } from '@sigstack/crypto'
import { createFile } from '@sigstack/server/files'
import { SignerError } from './errors.ts'

/** No key or password is longer; a larger file is something else. */
const maxSecretBytes = 64 * 1024

/**
 * Reads a secret of at most 64 KiB. Refuses a file that others may read, or that the group may write. The group may
 * read: that is how orchestrators hand a secret to a process that is not root.
 */
export async function readSecretFile(path: string): Promise<string> {
  let file: Awaited<ReturnType<typeof open>>
  try {
    // A pipe is refused below, and not waited for here.
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (cause) {
    throw new SignerError('unreadable', `cannot read ${path}: ${fileReason(cause)}`, { cause })
  }
  try {
    const stat = await file.stat()
    if (!stat.isFile()) throw new SignerError('unreadable', `${path} is not a file`)
    if ((stat.mode & 0o027) !== 0) {
      const mode = (stat.mode & 0o777).toString(8).padStart(4, '0')
      throw new SignerError('unsafe_permissions', `${path} has mode ${mode}: run chmod 600 ${path}`)
    }
    if (stat.size > maxSecretBytes)
      throw new SignerError('not_a_key', `${path} is too large to be a key or a password`)
    return await file.readFile('utf8')
  } catch (cause) {
    if (cause instanceof SignerError) throw cause
    throw new SignerError('unreadable', `cannot read ${path}: ${fileReason(cause)}`, { cause })
  } finally {
    await file.close()
  }
}

/**
 * Writes a new file with mode 0600 and makes it durable. Throws `already_exists` when `path` exists, also when
 * another process makes it at the same moment.
 */
export async function writeSecretFile(path: string, text: string): Promise<void> {
  let isNew: boolean
  try {
    isNew = await createFile(path, text, { mode: 0o600 })
  } catch (cause) {
    throw new SignerError('unwritable', `cannot write ${path}: ${fileReason(cause)}`, { cause })
  }
  // A key that is there is never replaced: a lost CA key cannot be made again.
  if (!isNew) throw new SignerError('already_exists', `${path} exists already`)
}

function fileReason(cause: unknown): string {
  switch (errorCode(cause)) {
    case 'ENOENT':
      return 'there is no such file or folder'
    case 'EACCES':
    case 'EPERM':
      return 'permission denied'
    case 'EROFS':
      return 'the file system is read-only'
    case 'ENOSPC':
      return 'the disk is full'
    default:
      return reasonOf(cause)
  }
}
