import { join } from 'node:path'
import { counted, equalBytes } from '@sigstack/crypto'
import type { Pool } from '@sigstack/postgres'
import {
  cancelRollover,
  commitRollover,
  openPreparedKey,
  type PreparedKey,
  preparedRollover,
  prepareRollover,
  type RolledOver,
} from '@sigstack/rekor-log'
import type { Command } from 'commander'
import { dataFolder } from '../../endpoints.ts'
import { CliError } from '../../errors.ts'
import { type Io, setting } from '../../io.ts'
import {
  asCliError,
  type DatabaseOptions,
  logKeyPassword,
  withDatabaseOptions,
  withLogDatabase,
} from '../../log-database.ts'
import { readTrustedRoot } from '../../trust-source.ts'

type Options = DatabaseOptions & {
  readonly prepare?: boolean
  readonly commit?: boolean
  readonly cancel?: boolean
  readonly newFolder?: boolean
  readonly sameKey?: boolean
  readonly key?: string
  readonly keys?: string
  readonly trustedRoot?: string
  readonly unpublished?: boolean
  readonly json?: boolean
}

export function addRollover(log: Command, io: Io): void {
  const command = log
    .command('rollover')
    .summary('freeze the active shard and open the next one')
    .description(
      'Freezes the active shard of the Rekor log and opens the next one, while writers write. ' +
        'With a new key in two steps: --prepare makes the key and has it published; --commit switches to it, once ' +
        'the published trust lists it and every replica of the log has the key file. With --same-key in one. ' +
        '--cancel takes a prepared key back.',
    )
    .option('--prepare', 'make the key of the next shard and have it published')
    .option('--commit', 'switch to the prepared key')
    .option('--cancel', 'take the prepared key back; its file stays')
    .option('--same-key', 'switch at once, to a new shard with the same key')
    .option(
      '--key <uri>',
      'with --prepare: take this key, kept elsewhere (pkcs11:, awskms:, gcpkms:, azurekms:, hashivault:)',
    )
    .option('--keys <folder>', 'folder of the log’s keys (default: LOG_KEYS, else keys in the data folder)')
    .option(
      '--new-folder',
      'with --prepare: the folder holds no key of this log yet, as all are kept elsewhere',
    )
    .option('--trusted-root <location>', 'where to look for the new key (default: of the running stack)')
    .option('--unpublished', 'switch although the published trust does not list the new key')
    .option('--json', 'say the result as JSON')
  withDatabaseOptions(command).action((options: Options) => rollover(io, options))
}

async function rollover(io: Io, options: Options): Promise<void> {
  const { prepare = false, commit = false, cancel = false, sameKey = false } = options
  if ([prepare, commit, cancel, sameKey].filter(Boolean).length !== 1) {
    throw new CliError('bad_usage', 'say one of --prepare, --commit, --cancel and --same-key', {
      advice: 'A new key takes --prepare and later --commit; --same-key keeps the key.',
    })
  }
  if (options.key !== undefined && !prepare) {
    throw new CliError('bad_usage', '--key goes with --prepare: that is when the next shard gets its key')
  }
  await withLogDatabase(io, options, async (pool) => {
    if (prepare) return tellPrepared(io, options, await prepareKey(io, options, pool))
    if (cancel) return tellCancelled(io, options, await cancelRollover(pool))
    const done = sameKey ? await commitRollover(pool, { key: 'same' }) : await switchKey(io, options, pool)
    return tellDone(io, options, done)
  })
}

async function prepareKey(io: Io, options: Options, pool: Pool): Promise<PreparedKey> {
  const { key: keyUri, newFolder: isNewFolder = false } = options
  const folder = keysFolder(io, options)
  const password = keyUri === undefined ? await logKeyPassword(io, options) : ''
  return prepareRollover(pool, {
    keysFolder: folder,
    password,
    isNewFolder,
    ...(keyUri !== undefined && { keyUri }),
  }).catch((cause: unknown) => {
    throw withAdvice(
      cause,
      'Nothing was changed. Give the folder of keys (--keys, LOG_KEYS) and the password (LOG_KEY_PASSWORD) that the log itself has;\n' +
        '--cancel takes back a key that was prepared elsewhere; --new-folder is for logs whose keys were all kept elsewhere.',
    )
  })
}

async function switchKey(io: Io, options: Options, pool: Pool): Promise<RolledOver> {
  const prepared = await preparedRollover(pool)
  if (prepared === undefined) {
    throw new CliError('log_refused', 'no key is prepared for the next shard', {
      advice: 'Run `sigstack log rollover --prepare` first.',
    })
  }
  const folder = keysFolder(io, options)
  const password = prepared.needsPassword ? await logKeyPassword(io, options) : ''
  await openPreparedKey(prepared, { keysFolder: folder, password }).catch((cause: unknown) => {
    throw withAdvice(
      cause,
      'Nothing was changed: a shard whose key nobody can open takes no entries. Put the key there, or begin again with --cancel and --prepare.',
    )
  })
  if (options.unpublished !== true) await assertPublished(io, options, prepared)
  return commitRollover(pool, { key: 'prepared', keysFolder: folder, password })
}

function withAdvice(cause: unknown, advice: string): unknown {
  const known = asCliError(cause)
  return known instanceof CliError && known.advice === undefined
    ? new CliError(known.code, known.message, { cause, advice })
    : known
}

/** What is signed with a key that no verifier knows is refused by all of them. */
async function assertPublished(io: Io, options: Options, { publicKey }: PreparedKey): Promise<void> {
  const { trustedRoot: root } = await readTrustedRoot(io, options)
  const now = new Date()
  const listed = root.tlogs.find((tlog) => equalBytes(tlog.publicKey, publicKey.spki))
  if (listed !== undefined && listed.validFor.start <= now) return
  throw new CliError('log_refused', 'the published trust does not list the new key yet', {
    advice:
      'The trust service looks for it every minute (TRUST_REFRESH_SECONDS); give verifiers the time to fetch the new root, too.',
  })
}

function keysFolder(io: Io, options: Options): string {
  return options.keys ?? setting(io, 'LOG_KEYS') ?? join(dataFolder(io, options.data), 'keys')
}

function tellPrepared(io: Io, options: Options, { keyFile, publicKeyPem }: PreparedKey): void {
  if (options.json === true) {
    io.out(`${JSON.stringify({ keyFile, publicKey: publicKeyPem })}\n`)
    return
  }
  io.out(publicKeyPem)
  io.err(
    `The key of the next shard is ${keyFile} in ${keysFolder(io, options)}. Every replica of the log needs it in its folder of keys;\n` +
      'each says in its log that it is at hand. Once the trusted root lists it, and verifiers have fetched that root:\n' +
      'sigstack log rollover --commit\n',
  )
}

function tellCancelled(io: Io, options: Options, cancelled: PreparedKey | undefined): void {
  if (cancelled === undefined) {
    throw new CliError('log_refused', 'no key is prepared for the next shard', {
      advice: 'There is nothing to take back.',
    })
  }
  const { keyFile } = cancelled
  if (options.json === true) {
    io.out(`${JSON.stringify({ cancelled: keyFile })}\n`)
    return
  }
  io.out(
    `${keyFile} is no longer the key of the next shard. Its file stays, and --prepare takes it again; the trusted root may list it for good, which harms nobody.\n`,
  )
}

function tellDone(io: Io, options: Options, { frozen, active }: RolledOver): void {
  if (options.json === true) {
    const numbers = {
      frozen: { ...frozen, size: `${frozen.size}` },
      active: { ...active, firstIndex: `${active.firstIndex}` },
    }
    io.out(`${JSON.stringify(numbers)}\n`)
    return
  }
  io.out(
    `Frozen: ${frozen.origin}, with ${counted(frozen.size, 'entry', 'entries')}.\nActive: ${active.origin}, from log index ${active.firstIndex} on.\n`,
  )
}
