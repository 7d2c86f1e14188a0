/**
 * Where authorities are in the CA's data folder, and which of them issues.
 *
 *   chain.pem, intermediate.key.pem   the first authority, made at the first start
 *   root.key.pem                      needed only to make another intermediate
 *   authorities/NAME/                 each later one: key.pem, or key.uri with the URI of a key kept elsewhere; chain.pem once
 *                                     it has one; request.pem where another CA was asked for it
 *   issuing                           the name of the one that issues, and those that did before, one a line; no such file: the first
 *   retired                           names, one a line, that are published no more
 *
 * Each file appears whole and only `issuing` and `retired` ever change, by renaming, so a process that reads in the middle
 * of a rotation sees the state before or after a step.
 */
import { access, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { errorCode, reasonOf } from '@sigstack/crypto'
import { replaceFile } from '@sigstack/server/files'
import { AuthorityError } from './errors.ts'

/** Also the name of the operator's own pair, where the environment names one. */
export const firstName = 'first'

export type AuthorityPlace = {
  readonly name: string
  readonly chainPath: string
  readonly keyPath: string
  /** Undefined: the first authority, whose key is a file or named by the environment. */
  readonly keyUriPath?: string
}

export type FolderState = {
  /** In the order in which they were made. */
  readonly places: readonly AuthorityPlace[]
  readonly issuing: string
  /** Those that issued before. */
  readonly former: ReadonlySet<string>
  readonly retired: ReadonlySet<string>
}

const namePattern = /^[0-9a-z][0-9a-z-]{0,63}$/

export async function readFolder(folder: string): Promise<FolderState> {
  const [names, [issuing = firstName, ...former], retired] = await Promise.all([
    readNames(join(folder, 'authorities')),
    readLines(join(folder, 'issuing')),
    readLines(join(folder, 'retired')),
  ])
  // Releases before kept no names of those before: they came in the order in which they were made.
  const made = [firstName, ...names]
  const earlier = former.length > 0 ? former : made.slice(0, Math.max(0, made.indexOf(issuing)))
  return {
    places: made.map((name) => placeOf(folder, name)),
    issuing,
    former: new Set(earlier),
    retired: new Set(retired),
  }
}

export function placeOf(folder: string, name: string): AuthorityPlace {
  if (name === firstName)
    return {
      name,
      chainPath: join(folder, 'chain.pem'),
      keyPath: join(folder, 'intermediate.key.pem'),
    }
  if (!namePattern.test(name))
    throw new AuthorityError('folder_unusable', `${name} is no name of an authority`)
  const own = join(folder, 'authorities', name)
  return {
    name,
    chainPath: join(own, 'chain.pem'),
    keyPath: join(own, 'key.pem'),
    keyUriPath: join(own, 'key.uri'),
  }
}

/** What a running CA has to look at to notice a rotation. */
export async function watchedPaths(folder: string): Promise<readonly string[]> {
  const { places } = await readFolder(folder)
  return [
    folder,
    join(folder, 'issuing'),
    join(folder, 'retired'),
    join(folder, 'authorities'),
    ...places.map(({ chainPath }) => chainPath),
  ]
}

export async function writeIssuing(folder: string, name: string): Promise<void> {
  const { issuing, former } = await readFolder(folder)
  const before = [...new Set([issuing, ...former])].filter((each) => each !== name)
  await replace(join(folder, 'issuing'), [name, ...before].map((each) => `${each}\n`).join(''))
}

export async function writeRetired(folder: string, names: Iterable<string>): Promise<void> {
  await replace(join(folder, 'retired'), [...names].map((name) => `${name}\n`).join(''))
}

export async function exists(path: string): Promise<boolean> {
  try {
    await access(path)
    return true
  } catch {
    return false
  }
}

async function replace(path: string, text: string): Promise<void> {
  try {
    await replaceFile(path, text)
  } catch (cause) {
    const reason = reasonOf(cause)
    throw new AuthorityError('folder_unusable', `${path} cannot be written: ${reason}`, { cause })
  }
}

async function readNames(path: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(path, { withFileTypes: true })
    return entries
      .filter((entry) => entry.isDirectory() && namePattern.test(entry.name))
      .map(({ name }) => name)
      .sort()
  } catch (cause) {
    return missing(cause, path)
  }
}

async function readLines(path: string): Promise<readonly string[]> {
  try {
    const text = await readFile(path, 'utf8')
    return text
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '')
  } catch (cause) {
    return missing(cause, path)
  }
}

function missing(cause: unknown, path: string): readonly string[] {
  if (errorCode(cause) === 'ENOENT') return []
  throw new AuthorityError('folder_unusable', `${path} cannot be read`, { cause })
}
