/** The key of the next shard, or of the next log: where it lies, what opens it, and whether verifiers know it. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { equalBytes, type PublicKey } from '@sigstack/crypto'
import type { PreparedKey } from '@sigstack/rekor-log'
import { keyFolderOf } from '@sigstack/signers'
import { dataFolder } from '../../endpoints.ts'
import { CliError } from '../../errors.ts'
import { type Io, setting } from '../../io.ts'
import { asCliError, logKeyPassword } from '../../log-database.ts'
import { trustOf } from '../../profiles/profile.ts'
import { chosenProfile, readTrustedRoot } from '../../trust-source.ts'
import type { RolloverOptions } from './rollover.ts'

export const adviceOnKeys =
  'Nothing was changed. Give the folder of keys (--keys, LOG_KEYS) and the password (LOG_KEY_PASSWORD) that the log itself has;\n' +
  '--cancel takes back a key that was prepared elsewhere; --new-folder is for logs whose keys were all kept elsewhere.'
export const adviceOnPreparedKey =
  'Nothing was changed: a shard whose key nobody can open takes no entries. Put the key there, or begin again with --cancel and --prepare.'

/** What is to be made, or taken from where it is kept. */
export async function newKeyOf(io: Io, options: RolloverOptions) {
  const { key: keyUri, newFolder: isNewFolder = false } = options
  return {
    keysFolder: keysFolder(io, options),
    password: keyUri === undefined ? await logKeyPassword(io, options) : '',
    isNewFolder,
    ...(keyUri !== undefined && { keyUri }),
  }
}

export async function preparedKeyOf(io: Io, options: RolloverOptions, { needsPassword }: PreparedKey) {
  return {
    keysFolder: keysFolder(io, options),
    password: needsPassword ? await logKeyPassword(io, options) : '',
  }
}

/**
 * Where the log itself looks for the keys of later shards. A stack in one process has them in its data folder, also where LOG_KEY, the
 * first key of its Rekor log, is elsewhere; a log without such a folder has them beside LOG_KEY. Throws `bad_usage` where that is no file.
 */
export function keysFolder(io: Io, options: Pick<RolloverOptions, 'keys' | 'data'>): string {
  const said = options.keys ?? setting(io, 'LOG_KEYS')
  if (said !== undefined) return said
  const ofStack = join(dataFolder(io, options.data), 'keys')
  const first = setting(io, 'LOG_KEY')
  if (first === undefined || options.data !== undefined || existsSync(ofStack)) return ofStack
  const besideFirst = keyFolderOf(first)
  if (besideFirst !== undefined) return besideFirst
  throw new CliError('bad_usage', 'LOG_KEY is a URI, which names no folder for the keys of later shards', {
    advice: 'Give the folder that LOG_KEYS of the log itself names: --keys, or LOG_KEYS.',
  })
}

export function withAdvice(cause: unknown, advice: string): unknown {
  const known = asCliError(cause)
  return known instanceof CliError && known.advice === undefined
    ? new CliError(known.code, known.message, { cause, advice })
    : known
}

/** What is signed with a key that no verifier knows is refused by all of them. */
export async function assertPublished(
  io: Io,
  options: RolloverOptions,
  list: 'tlogs' | 'ctlogs',
  { publicKey }: { readonly publicKey: PublicKey },
): Promise<void> {
  const profile = options.trustedRoot === undefined ? await chosenProfile(io, options) : undefined
  const root = profile === undefined ? (await readTrustedRoot(io, options)).trustedRoot : trustOf(profile)
  const now = new Date()
  const listed = root[list].find((log) => equalBytes(log.publicKey, publicKey.spki))
  if (listed !== undefined && listed.validFor.start <= now) return
  if (profile !== undefined)
    throw new CliError('log_refused', `the profile ${profile.name} does not list the new key yet`, {
      advice:
        'Once the trust service publishes it, which looks for it every minute, `sigstack profile refresh` has it; ' +
        '--trusted-root URL asks the service itself.',
    })
  throw new CliError('log_refused', 'the published trust does not list the new key yet', {
    advice:
      'The trust service looks for it every minute (TRUST_REFRESH_SECONDS); give verifiers the time to fetch the new root, too.',
  })
}
