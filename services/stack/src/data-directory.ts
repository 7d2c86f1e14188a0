/** The one folder that a stack keeps everything in. */
import { access, constants, rm } from 'node:fs/promises'
import path from 'node:path'
import { errorCode } from '@sigstack/crypto'
import { makeFolder, replaceFile } from '@sigstack/server/files'

export type DataDirectory = {
  readonly root: string
  readonly postgres: string
  readonly keys: string
  readonly ca: string
  readonly trust: string
  readonly tsa: string
  readonly witness: string
  readonly monitor: string
  readonly console: string
  readonly devIssuer: string
  readonly endpoints: string
}

/** Where everything is, made or not. */
export function pathsBelow(folder: string): DataDirectory {
  const root = path.resolve(folder)
  return {
    root,
    postgres: path.join(root, 'postgres'),
    keys: path.join(root, 'keys'),
    ca: path.join(root, 'ca'),
    trust: path.join(root, 'trust'),
    tsa: path.join(root, 'tsa'),
    witness: path.join(root, 'witness'),
    monitor: path.join(root, 'monitor'),
    console: path.join(root, 'console'),
    devIssuer: path.join(root, 'dev-issuer'),
    endpoints: path.join(root, 'endpoints.json'),
  }
}

/** Throws one sentence when the folder cannot be made or written to. */
export async function prepareDataDirectory(folder: string): Promise<DataDirectory> {
  const paths = pathsBelow(folder)
  const { root, keys } = paths
  try {
    await makeFolder(root, { mode: 0o700 })
    await makeFolder(keys, { mode: 0o700 })
    await access(root, constants.W_OK)
    // Root passes every permission check, so only a write tells whether the disk takes one.
    await replaceFile(path.join(root, '.writable'), '')
    await rm(path.join(root, '.writable'))
  } catch (cause) {
    const reason = errorCode(cause) ?? String(cause)
    if (reason === 'EEXIST' || reason === 'ENOTDIR')
      throw new Error(`the data folder ${root} is a file, or lies in one; name a folder in SIGSTACK_DATA`, {
        cause,
      })
    throw new Error(
      `the data folder ${root} cannot be written to (${reason}); give it to this user, or name another one in SIGSTACK_DATA`,
      { cause },
    )
  }
  return paths
}
