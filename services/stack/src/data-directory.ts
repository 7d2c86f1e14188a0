/** The one folder that a stack keeps everything in. */
import { access, constants, mkdir, rm } from 'node:fs/promises'
import path from 'node:path'
import { replaceFile } from '@sigstack/server'

export type DataDirectory = {
  readonly root: string
  readonly postgres: string
  readonly keys: string
  readonly ca: string
  readonly trust: string
  readonly devIssuer: string
  readonly endpoints: string
}

/** Throws one sentence when the folder cannot be made or written to. */
export async function prepareDataDirectory(folder: string): Promise<DataDirectory> {
  const root = path.resolve(folder)
  const keys = path.join(root, 'keys')
  try {
    await mkdir(root, { recursive: true, mode: 0o700 })
    await mkdir(keys, { recursive: true, mode: 0o700 })
    await access(root, constants.W_OK)
    // Root passes every permission check, so only a write tells whether the disk takes one.
    await replaceFile(path.join(root, '.writable'), '')
    await rm(path.join(root, '.writable'))
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code ?? String(cause)
    throw new Error(
      `the data folder ${root} cannot be written to (${reason}); give it to this user, or name another one in SIGSTACK_DATA`,
      { cause },
    )
  }
  return {
    root,
    postgres: path.join(root, 'postgres'),
    keys,
    ca: path.join(root, 'ca'),
    trust: path.join(root, 'trust'),
    devIssuer: path.join(root, 'dev-issuer'),
    endpoints: path.join(root, 'endpoints.json'),
  }
}
