import { counted } from '@sigstack/crypto'
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
import { CliError } from '../../errors.ts'
import type { Io } from '../../io.ts'
import { type DatabaseOptions, withDatabaseOptions, withLogDatabase } from '../../log-database.ts'
import { followLog } from './follow-log.ts'
import {
  adviceOnKeys,
  adviceOnPreparedKey,
  assertPublished,
  keysFolder,
  newKeyOf,
  preparedKeyOf,
  withAdvice,
} from './next-key.ts'

export type RolloverOptions = DatabaseOptions & {
  readonly log: string
  readonly host?: string
  readonly prefix?: string
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
    .summary('open the next shard of a log, or the next log, with a new key')
    .description(
      'Freezes the active shard of the Rekor log and opens the next one, while writers write. ' +
        'With a new key in two steps: --prepare makes the key and has it published; --commit switches to it, once ' +
        'the published trust lists it and every replica of the log has the key file. With --same-key in one. ' +
        '--cancel takes a prepared key back. A log of Rekor v2 (--log rekor-v2, with --host) or CT (--log ct, with --prefix) is ' +
        'followed by another one, in the same two steps, and goes on beside it until you end it.',
    )
    .option('--log <name>', 'which log of the database: rekor-v1, rekor-v2 or ct', 'rekor-v1')
    .option(
      '--host <name>',
      'with --prepare, of Rekor v2: the host name of the next log, such as log2027.rekor.example.org',
    )
    .option('--prefix <path>', 'with --prepare, of CT: the path of the next log, such as /2027')
    .option('--prepare', 'make the key of the next shard and have it published')
    .option('--commit', 'switch to the prepared key')
    .option('--cancel', 'take the prepared key back; its file stays')
    .option('--same-key', 'switch at once, to a new shard with the same key')
    .option(
      '--key <uri>',
      'with --prepare: take this key, kept elsewhere (pkcs11:, awskms:, gcpkms:, azurekms:, hashivault:)',
    )
    .option(
      '--keys <folder>',
      'folder of the log’s keys (default: LOG_KEYS, else keys in the data folder, else that of LOG_KEY)',
    )
    .option(
      '--new-folder',
      'with --prepare: the folder holds no key of this log yet, as all are kept elsewhere',
    )
    .option(
      '--trusted-root <location>',
      'where to look for the new key (default: the profile in use, else the running stack)',
    )
    .option('--unpublished', 'switch although the published trust does not list the new key')
    .option('--json', 'say the result as JSON')
  withDatabaseOptions(command).action((options: RolloverOptions) => rollover(io, options))
}

async function rollover(io: Io, options: RolloverOptions): Promise<void> {
  const { prepare = false, commit = false, cancel = false, sameKey = false } = options
  if ([prepare, commit, cancel, sameKey].filter(Boolean).length !== 1) {
    throw new CliError('bad_usage', 'say one of --prepare, --commit, --cancel and --same-key', {
      advice: 'A new key takes --prepare and later --commit; --same-key keeps the key.',
    })
  }
  if (options.key !== undefined && !prepare) {
    throw new CliError('bad_usage', '--key goes with --prepare: that is when the next shard gets its key')
  }
  if (options.log !== 'rekor-v1') return followLog(io, options)
  if (options.host !== undefined || options.prefix !== undefined)
    throw new CliError('bad_usage', '--host and --prefix go with --log rekor-v2 and --log ct')
  await withLogDatabase(io, options, async (pool) => {
    if (prepare) return tellPrepared(io, options, await prepareKey(io, options, pool))
    if (cancel) return tellCancelled(io, options, await cancelRollover(pool))
    const done = sameKey ? await commitRollover(pool, { key: 'same' }) : await switchKey(io, options, pool)
    return tellDone(io, options, done)
  })
}

async function prepareKey(io: Io, options: RolloverOptions, pool: Pool): Promise<PreparedKey> {
  return prepareRollover(pool, await newKeyOf(io, options)).catch((cause: unknown) => {
    throw withAdvice(cause, adviceOnKeys)
  })
}

async function switchKey(io: Io, options: RolloverOptions, pool: Pool): Promise<RolledOver> {
  const prepared = await preparedRollover(pool)
  if (prepared === undefined) {
    throw new CliError('log_refused', 'no key is prepared for the next shard', {
      advice: 'Run `sigstack log rollover --prepare` first.',
    })
  }
  const key = await preparedKeyOf(io, options, prepared)
  await openPreparedKey(prepared, key).catch((cause: unknown) => {
    throw withAdvice(cause, adviceOnPreparedKey)
  })
  if (options.unpublished !== true) await assertPublished(io, options, 'tlogs', prepared)
  return commitRollover(pool, { key: 'prepared', ...key })
}

function tellPrepared(io: Io, options: RolloverOptions, { keyFile, publicKeyPem }: PreparedKey): void {
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

function tellCancelled(io: Io, options: RolloverOptions, cancelled: PreparedKey | undefined): void {
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

function tellDone(io: Io, options: RolloverOptions, { frozen, active }: RolledOver): void {
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
