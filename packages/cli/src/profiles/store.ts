/** Profiles on the disk: a file each, and one that names the profile in use. */
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { quoted } from '@sigstack/crypto'
import { fileReason, readFileBounded } from '@sigstack/http-client/files'
import { makeFolder } from '@sigstack/server/files'
import { CliError } from '../errors.ts'
import { replaceOutput } from '../files.ts'
import { codeOf, type Io, setting } from '../io.ts'
import { encodeProfile, type Profile, parseProfile } from './profile.ts'

const limitBytes = 16 << 20
const ending = '.json'

/** SIGSTACK_CONFIG, else where programs keep their settings (XDG Base Directory Specification). */
function findFolder(io: Io): string | undefined {
  const own = setting(io, 'SIGSTACK_CONFIG')
  if (own !== undefined) return own
  const home = setting(io, 'HOME') ?? setting(io, 'USERPROFILE')
  const settings = setting(io, 'XDG_CONFIG_HOME') ?? (home && join(home, '.config'))
  return settings === undefined ? undefined : join(settings, 'sigstack')
}

function profileFolder(io: Io): string {
  const folder = findFolder(io)
  if (folder !== undefined) return folder
  throw new CliError('bad_usage', 'there is no home folder to keep profiles in', {
    advice: 'SIGSTACK_CONFIG names a folder for them.',
  })
}

/** Throws `bad_usage`: the name is one of a file. */
export function demandName(name: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name)) return name
  throw new CliError(
    'bad_usage',
    `${quoted(name, 80)} is no name for a profile; use letters, digits, dots and dashes, 64 at the most`,
  )
}

export function profileFile(io: Io, name: string): string {
  return join(profileFolder(io), 'profiles', `${demandName(name)}${ending}`)
}

const currentFile = (io: Io): string => join(profileFolder(io), 'profile')

/** Of the profile in use; undefined where there is none. */
export async function currentName(io: Io): Promise<string | undefined> {
  if (findFolder(io) === undefined) return undefined
  const text = await readSmall(currentFile(io))
  return text === undefined ? undefined : demandName(text.trim())
}

export async function useProfile(io: Io, name: string): Promise<void> {
  await readProfile(io, name)
  await replaceOutput(io, currentFile(io), `${name}\n`)
}

export async function profileNames(io: Io): Promise<readonly string[]> {
  const files = await readdir(join(profileFolder(io), 'profiles')).catch(() => [])
  return files.flatMap((file) => (file.endsWith(ending) ? [file.slice(0, -ending.length)] : [])).toSorted()
}

/** Throws `bad_usage` where there is none of that name. */
export async function readProfile(io: Io, name: string): Promise<Profile> {
  const found = await findProfile(io, name)
  if (found !== undefined) return found
  const names = await profileNames(io)
  throw new CliError('bad_usage', `there is no profile ${quoted(name, 80)}`, {
    advice:
      names.length === 0
        ? `Make one: sigstack init URL --profile ${name}`
        : `There are: ${names.join(', ')}. sigstack init URL --profile ${name} makes it.`,
  })
}

export async function findProfile(io: Io, name: string): Promise<Profile | undefined> {
  const file = profileFile(io, name)
  const text = await readSmall(file)
  return text === undefined ? undefined : parseProfile(name, text, file)
}

export async function writeProfile(io: Io, profile: Profile): Promise<string> {
  const file = profileFile(io, profile.name)
  try {
    await makeFolder(join(profileFolder(io), 'profiles'))
  } catch (cause) {
    throw new CliError('unwritable', `cannot make the folder of ${file} (${codeOf(cause)})`, {
      cause,
      advice: 'SIGSTACK_CONFIG names another folder.',
    })
  }
  await replaceOutput(io, file, encodeProfile(profile))
  return file
}

export async function removeProfile(io: Io, name: string): Promise<void> {
  // One that cannot be read is removed as any other.
  if (!(await profileNames(io)).includes(name)) await readProfile(io, name)
  await rm(profileFile(io, name))
  if ((await currentName(io)) === name) await rm(currentFile(io), { force: true })
}

async function readSmall(file: string): Promise<string | undefined> {
  try {
    return (await readFileBounded(file, limitBytes, { isRegular: true })).toString()
  } catch (cause) {
    if (['ENOENT', 'ENOTDIR'].includes(codeOf(cause))) return undefined
    throw new CliError('unreadable', `cannot read ${file} (${fileReason(cause)})`, { cause })
  }
}
