/** The database of a log: the one that is named, else that of the stack in the data folder, whether it runs or not. */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { LogError } from '@sigstack/log-engine'
import { createPool, type Pool, PostgresError, startEmbeddedPostgres } from '@sigstack/postgres'
import { readSecret } from '@sigstack/server'
import { readSecretFile, SignerError } from '@sigstack/signers'
import type { Command } from 'commander'
import { dataFolder } from './endpoints.ts'
import { CliError } from './errors.ts'
import type { Io } from './io.ts'

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

/** Opens the database for `work` and closes it. Trouble of log, database and keys becomes a {@link CliError}. */
export async function withLogDatabase<Result>(
  io: Io,
  options: DatabaseOptions,
  work: (pool: Pool) => Promise<Result>,
): Promise<Result> {
  try {
    const { url, stop } = await findDatabase(io, options)
    const pool = createPool({ connectionString: url, maxConnections: 4, applicationName: 'sigstack log' })
    try {
      return await work(pool)
    } finally {
      await pool.end()
      await stop()
    }
  } catch (cause) {
    if (cause instanceof LogError || cause instanceof PostgresError || cause instanceof SignerError) {
      throw new CliError('log_refused', cause.message, { cause })
    }
    throw cause
  }
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
): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const url = options.database ?? readSecret({ ...io.environment }, 'DATABASE_URL')
  if (url !== undefined && url !== '') return { url, stop: async () => {} }
  const folder = join(dataFolder(io, options.data), 'postgres')
  // Without this a mistyped folder would be given a new, empty database.
  if (!(await stat(folder).catch(() => undefined))?.isDirectory()) {
    throw new CliError('not_running', `there is no database in ${folder}`, {
      advice: 'Name the database with --database or DATABASE_URL, or the data folder of a stack with --data.',
    })
  }
  const server = await startEmbeddedPostgres({ dataDirectory: folder, shared: true })
  return { url: server.connectionString, stop: async () => (server.started ? server.stop() : undefined) }
}
