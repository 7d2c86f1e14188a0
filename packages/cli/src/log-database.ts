/** The database of a log: the one that is named, else that of the stack in the data folder, whether it runs or not. */

import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { BackupError, LogError } from '@sigstack/log-engine'
import { createPool, type Pool, PostgresError, startEmbeddedPostgres } from '@sigstack/postgres'
import { RekorLogError } from '@sigstack/rekor-log'
import { readSecret } from '@sigstack/server/secret'
import { readSecretFile, SignerError } from '@sigstack/signers'
import type { Command } from 'commander'
import { dataFolder } from './endpoints.ts'
import { CliError } from './errors.ts'
import { codeOf, type Io } from './io.ts'

export type DatabaseOptions = { readonly database?: string; readonly data?: string }

/** Every command on a log has these. */
export function withDatabaseOptions(command: Command): Command {
  return command
    .option(
      '--database <url>',
      'PostgreSQL of the log (default: DATABASE_URL, else the one in the data folder)',
    )
    .option('--data <folder>', 'data folder of the stack (default: SIGSTACK_DATA, else ./.sigstack)')
}

/**
 * Opens the database for `work` and closes it. Trouble of log, database and keys becomes a {@link CliError}. With `create` a data folder
 * that has keys and no database yet gets one.
 */
export async function withLogDatabase<Result>(
  io: Io,
  options: DatabaseOptions,
  work: (pool: Pool) => Promise<Result>,
  { create = false } = {},
): Promise<Result> {
  try {
    const { url, stop } = await findDatabase(io, options, create)
    const pool = createPool({ connectionString: url, maxConnections: 4, applicationName: 'sigstack log' })
    try {
      return await work(pool)
    } finally {
      await pool.end()
      await stop()
    }
  } catch (cause) {
    throw asCliError(cause)
  }
}

/** Two sentences on what is refused. */
const whatAForkIs =
  'Going on from an older state forks the log: indexes that were signed for some entries would be given to others, and the log would ' +
  'contradict proofs and checkpoints that people hold. Verifiers and monitors take that for tampering and cannot be told otherwise, so ' +
  'restore the newest backup, or retire this log and begin another one with new keys (docs/operations/log-operations.md).'

/** Trouble of logs, databases, keys and backups in one kind of error; everything else as it is. */
export function asCliError(cause: unknown): unknown {
  if (cause instanceof BackupError && cause.code === 'older_state') {
    return new CliError('older_state', cause.message, { cause, advice: whatAForkIs })
  }
  const isKnown =
    cause instanceof LogError ||
    cause instanceof RekorLogError ||
    cause instanceof BackupError ||
    cause instanceof PostgresError ||
    cause instanceof SignerError
  return isKnown ? new CliError('log_refused', cause.message, { cause }) : asFileError(cause)
}

function asFileError(cause: unknown): unknown {
  if (!(cause instanceof Error) || !('syscall' in cause)) return cause
  const path = 'path' in cause ? String(cause.path) : 'the file'
  return new CliError('unreadable', `cannot ${String(cause.syscall)} ${path} (${codeOf(cause)})`, { cause })
}

/** The password of the log's keys: LOG_KEY_PASSWORD (or its _FILE), else that of the stack in the data folder. */
export async function logKeyPassword(io: Io, options: DatabaseOptions): Promise<string> {
  const given = readSecret({ ...io.environment }, 'LOG_KEY_PASSWORD')
  if (given !== undefined) return given
  const file = join(dataFolder(io, options.data), 'keys', 'password')
  try {
    return (await readSecretFile(file)).replace(/\r?\n$/, '')
  } catch (cause) {
    throw new CliError('bad_usage', 'the password of the log’s keys is not known', {
      cause,
      advice: 'Set LOG_KEY_PASSWORD or LOG_KEY_PASSWORD_FILE as for the log itself.',
    })
  }
}

async function findDatabase(
  io: Io,
  options: DatabaseOptions,
  create: boolean,
): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const url = options.database ?? readSecret({ ...io.environment }, 'DATABASE_URL')
  if (url !== undefined && url !== '') return { url, stop: async () => {} }
  const data = dataFolder(io, options.data)
  const folder = join(data, 'postgres')
  // Without this a mistyped folder would be given a new, empty database.
  if (!(await isFolder(folder)) && !(create && (await isFolder(join(data, 'keys'))))) {
    throw new CliError('not_running', `there is no database in ${folder}`, {
      advice: create
        ? `Copy keys/ of the old data folder into ${data} first: the log goes on with its keys. Or name the database with --database or DATABASE_URL.`
        : 'Name the database with --database or DATABASE_URL, or the data folder of a stack with --data.',
    })
  }
  const server = await startEmbeddedPostgres({ dataDirectory: folder, shared: true })
  return { url: server.connectionString, stop: async () => (server.started ? server.stop() : undefined) }
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false
}
