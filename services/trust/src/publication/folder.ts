/** The data folder: its trusted_root.json is both what is published and the memory of what was. */
import { access, constants, mkdir, readFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { replaceFile } from '@sigstack/server'
import { parseTrustedRoot, type TrustedRoot } from '@sigstack/trust-root'
import { TrustError } from '../errors.ts'
import { type FileName, type Files, fileNames } from './files.ts'

/** Makes the folder where it is missing. Better now than when the first key has been collected. */
export async function prepareFolder(dataDirectory: string): Promise<void> {
  try {
    await mkdir(dataDirectory, { recursive: true })
    await access(dataDirectory, constants.W_OK)
  } catch (cause) {
    throw unwritable(dataDirectory, cause)
  }
}

/** Undefined when nothing was published yet. Throws `data_unusable` for a file that is not ours. */
export async function readPublished(
  dataDirectory: string,
): Promise<{ readonly root: TrustedRoot; readonly files: Files } | undefined> {
  const path = join(dataDirectory, fileNames.trustedRoot)
  const text = await readIfThere(path)
  if (text === undefined) return undefined
  let root: TrustedRoot
  try {
    root = parseTrustedRoot(text)
  } catch (cause) {
    throw new TrustError('data_unusable', `${path} is damaged; restore it, it says which old keys to trust`, {
      cause,
    })
  }
  const names = Object.keys(fileNames) as FileName[]
  const texts = await Promise.all(names.map((name) => readIfThere(join(dataDirectory, fileNames[name]))))
  const files = Object.fromEntries(names.map((name, position) => [name, texts[position] ?? ''])) as Files
  return { root, files }
}

/**
 * Each file is replaced whole. The trusted root goes first: after a crash in between, the next publication
 * finds the keys there and writes the rest.
 */
export async function writePublished(dataDirectory: string, files: Files): Promise<void> {
  for (const name of Object.keys(fileNames) as FileName[]) {
    await replace(join(dataDirectory, fileNames[name]), files[name])
  }
}

export function publishedPaths(dataDirectory: string): Readonly<Record<FileName, string>> {
  const entries = Object.entries(fileNames).map(([name, path]) => [name, resolve(dataDirectory, path)])
  return Object.fromEntries(entries) as Record<FileName, string>
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return undefined
    throw new TrustError('data_unusable', `${path} cannot be read`, { cause })
  }
}

async function replace(path: string, text: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true })
    await replaceFile(path, text)
  } catch (cause) {
    throw unwritable(path, cause)
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
