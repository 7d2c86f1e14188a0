/** The files of the repository by role and number. */
import { access, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { isSignedFor, parseMetadata, type Release, type RootMetadata, TufError } from '@sigstack/tuf'
import { readIfThere } from '../durable-files.ts'

const roles = ['root', 'targets', 'snapshot', 'timestamp'] as const
export type Role = (typeof roles)[number]

/** Of each role; 0 where there is no file. */
export async function highestNumbers(folder: string): Promise<Readonly<Record<Role, number>>> {
  const highest = { root: 0, targets: 0, snapshot: 0, timestamp: 0 }
  for (const name of await readdir(folder)) {
    const [, number, role] = /^([1-9]\d{0,8})\.(root|targets|snapshot|timestamp)\.json$/.exec(name) ?? []
    if (role !== undefined) highest[role as Role] = Math.max(highest[role as Role], Number(number))
  }
  return highest
}

/** The highest number from `known` on without a gap: one question to the file system when nothing is new. */
export async function newestNumber(folder: string, role: Role, known: number): Promise<number> {
  let number = known
  while (await isThere(join(folder, `${number + 1}.${role}.json`))) number++
  return number
}

/** Undefined for number 0. Throws `damaged`. */
export async function readRoot(folder: string, number: number): Promise<RootMetadata | undefined> {
  if (number === 0) return undefined
  const root = await readNumbered(folder, 'root', number)
  if (!isSignedFor(root, 'root', root))
    throw new TufError('damaged', `${number}.root.json is not signed with its own keys; restore it`)
  return root
}

/** What the timestamp of this number stands for; undefined for number 0. Throws `damaged`. */
export async function readRelease(folder: string, number: number): Promise<Release | undefined> {
  if (number === 0) return undefined
  const timestamp = await readNumbered(folder, 'timestamp', number)
  const snapshot = await readNumbered(folder, 'snapshot', timestamp.signed.snapshotMeta.version)
  const targets = await readNumbered(folder, 'targets', snapshot.signed.meta['targets.json']?.version ?? 0)
  return { targets, snapshot, timestamp }
}

async function readNumbered<R extends Role>(folder: string, role: R, number: number) {
  const name = `${number}.${role}.json`
  const bytes = await readIfThere(join(folder, name))
  if (bytes === undefined) throw new TufError('damaged', `${name} is missing; restore the folder`)
  return parseMetadata(role, bytes)
}

async function isThere(path: string): Promise<boolean> {
  try {
    await access(path)
    return true
  } catch {
    return false
  }
}
