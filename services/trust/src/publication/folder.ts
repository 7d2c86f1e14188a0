/** The data folder: its trusted_root.json is both what is published and the memory of what was. */
import { join, resolve } from 'node:path'
import { parseTrustedRoot, type TrustedRoot } from '@sigstack/trust-root'
import { readIfThere, replaceOrRefuse } from '../durable-files.ts'
import { TrustError } from '../errors.ts'
import { type FileName, type Files, fileNames, keysByName } from './files.ts'

/** Undefined when nothing was published yet. Throws `data_unusable` for a file that is not ours. */
export async function readPublishedRoot(dataDirectory: string): Promise<TrustedRoot | undefined> {
  const path = join(dataDirectory, fileNames.trustedRoot)
  const bytes = await readIfThere(path)
  if (bytes === undefined) return undefined
  try {
    return parseTrustedRoot(bytes.toString('utf8'))
  } catch (cause) {
    throw new TrustError('data_unusable', `${path} is damaged; restore it, it says which old keys to trust`, {
      cause,
    })
  }
}

/** The same with all that was published beside it. */
export async function readPublished(
  dataDirectory: string,
): Promise<{ readonly root: TrustedRoot; readonly files: Files } | undefined> {
  const root = await readPublishedRoot(dataDirectory)
  if (root === undefined) return undefined
  const names = Object.keys(fileNames) as FileName[]
  const texts = await Promise.all(names.map((name) => readIfThere(join(dataDirectory, fileNames[name]))))
  const files = Object.fromEntries(
    names.map((name, position) => [name, texts[position]?.toString('utf8') ?? '']),
  ) as Files
  return { root, files }
}

/**
 * Each file is replaced whole. The trusted root goes first: after a crash in between, the next publication
 * finds the keys there and writes the rest.
 */
export async function writePublished(dataDirectory: string, files: Files): Promise<void> {
  for (const name of Object.keys(fileNames) as FileName[]) {
    await replaceOrRefuse(join(dataDirectory, fileNames[name]), files[name])
  }
  for (const [name, pem] of keysByName(parseTrustedRoot(files.trustedRoot)))
    await replaceOrRefuse(join(dataDirectory, name), pem)
}

export function publishedPaths(dataDirectory: string): Readonly<Record<FileName, string>> {
  const entries = Object.entries(fileNames).map(([name, path]) => [name, resolve(dataDirectory, path)])
  return Object.fromEntries(entries) as Record<FileName, string>
}
