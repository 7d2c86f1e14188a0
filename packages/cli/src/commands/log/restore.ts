import { counted, withoutEnd } from '@sigstack/crypto'
import { BackupError, type KnownHead, type Manifest } from '@sigstack/log-engine'
import { createPool, type Pool, PostgresError } from '@sigstack/postgres'
import {
  type CheckedBackup,
  readManifest,
  restoreBackup,
  signedHeads,
  storedHeads,
} from '@sigstack/rekor-log'
import type { Command } from 'commander'
import { collect } from '../../collect.ts'
import { CliError } from '../../errors.ts'
import type { Io } from '../../io.ts'
import { asCliError, type DatabaseOptions, withDatabaseOptions, withLogDatabase } from '../../log-database.ts'
import { backupJson, shardLines } from '../../presentation/describe-backup.ts'
import { progressOf } from '../../presentation/progress.ts'
import { checkpointsUrl, readCheckpoints } from '../../running-log.ts'

type Options = DatabaseOptions & {
  readonly newestCheckpoint?: readonly string[]
  readonly logUrl?: string
  readonly replaces?: string
  readonly withoutEvidence?: boolean
  readonly quiet?: boolean
  readonly json?: boolean
}

/** A place where a newer state could show, and what was found there. */
type LookedAt = { readonly where: string; readonly found: string }

export function addRestore(log: Command, io: Io): void {
  const command = log
    .command('restore')
    .summary('put a log back from a backup, into a database that does not hold it')
    .description(
      'Puts a log back from a backup, in one transaction: whole, with the roots that its checkpoints sign, or not at all. It looks ' +
        'for a newer state of the log than the backup’s, and refuses where it finds one: in each --newest-checkpoint, at the ' +
        'running log (--log-url, else that of the stack in the data folder) and in the database that it --replaces. Give it the ' +
        'newest checkpoint that any monitor, mirror or client of the log has: what is at none of these places it cannot know. ' +
        'Into a new data folder, copy keys/ of the old one first.',
    )
    .argument('<file>', 'the backup')
    .option(
      '--newest-checkpoint <location>',
      'file or URL of a checkpoint, or of an answer of /api/v1/log; may be repeated',
      collect,
    )
    .option('--log-url <url>', 'the log as it ran, if it still answers')
    .option('--replaces <database>', 'PostgreSQL that this one replaces, if it still answers')
    .option(
      '--without-evidence',
      'restore although nothing tells whether the log has gone on since the backup',
    )
    .option('--quiet', 'no progress')
    .option('--json', 'say the result as JSON')
  withDatabaseOptions(command).action((file: string, options: Options) => restore(io, file, options))
}

async function restore(io: Io, file: string, options: Options): Promise<void> {
  const manifest = await readManifest(file).catch((error: unknown) => {
    throw asCliError(error)
  })
  const { heads, lookedAt } = await lookForNewer(io, manifest, options).catch((error: unknown) => {
    throw asCliError(error)
  })
  // The checkpoints in the backup say nothing about what came after it.
  if (heads.length === 0 && options.withoutEvidence !== true) throw withoutEvidence(lookedAt)
  const restored = await withLogDatabase(
    io,
    options,
    (pool) =>
      restoreBackup({ pool, file, knownHeads: heads, onProgress: progressOf(io, 'restored', options) }),
    { create: true },
  )
  tell(io, file, options, restored, lookedAt)
}

function withoutEvidence(lookedAt: readonly LookedAt[]): CliError {
  const places = lookedAt.map(({ where, found }) => `${where}: ${found}`).join('; ')
  return new CliError(
    'no_evidence',
    `nothing tells whether the log has gone on since this backup${places === '' ? '' : ` (${places})`}`,
    {
      advice:
        'A log that goes on from an older state forks. Give --newest-checkpoint what any monitor, mirror or client of the log has, ' +
        'even if it is as old as the backup; --without-evidence restores all the same.',
    },
  )
}

/** A place that was named and cannot be read stops the restore, except for servers that may be down for the same reason. */
async function lookForNewer(
  io: Io,
  manifest: Manifest,
  options: Options,
): Promise<{ readonly heads: readonly KnownHead[]; readonly lookedAt: readonly LookedAt[] }> {
  const heads: KnownHead[] = []
  const lookedAt: LookedAt[] = []
  const look = async (
    where: string,
    read: () => Promise<readonly KnownHead[]>,
    excuse: (error: unknown) => string | undefined,
  ) => {
    // Named twice, or named and found running.
    if (lookedAt.some((before) => before.where === where)) return
    try {
      const found = await read()
      heads.push(...found)
      const sizes = found.map(({ size, origin }) => `${counted(size, 'entry', 'entries')} of ${origin}`)
      lookedAt.push({ where, found: sizes.join(', ') || 'another log' })
    } catch (error) {
      const excused = excuse(error)
      if (excused === undefined) throw error
      lookedAt.push({ where, found: excused })
    }
  }
  const signed = async (location: string) => signedHeads(manifest, [await readCheckpoints(location)])
  for (const location of options.newestCheckpoint ?? [])
    await look(
      location,
      () => signed(location),
      () => undefined,
    )
  const running = await runningLog(io, manifest, options)
  // The stack in the data folder was not named, and may be another one.
  const excuse = options.logUrl === undefined ? (error: unknown) => isDown(error) ?? isAnother(error) : isDown
  if (running !== undefined) await look(running, () => signed(running), excuse)
  const { replaces } = options
  if (replaces !== undefined) {
    const where = 'the database that it replaces'
    await look(where, () => withReplaced(replaces, (pool) => storedHeads(manifest, pool, where)), isDown)
  }
  return { heads, lookedAt }
}

async function runningLog(io: Io, { log }: Manifest, options: Options): Promise<string | undefined> {
  if (options.logUrl !== undefined) {
    return `${withoutEnd(options.logUrl, '/')}${log === 'rekor-v1' ? '/api/v1/log' : '/checkpoint'}`
  }
  return checkpointsUrl(io, { ...options, log }).catch(() => undefined)
}

async function withReplaced<Result>(url: string, work: (pool: Pool) => Promise<Result>): Promise<Result> {
  const pool = createPool({
    connectionString: url,
    maxConnections: 1,
    applicationName: 'sigstack log restore',
  })
  try {
    return await work(pool)
  } finally {
    await pool.end()
  }
}

function isDown(error: unknown): string | undefined {
  const isIt =
    (error instanceof CliError && error.code === 'unreachable') ||
    (error instanceof PostgresError && (error.code === 'unavailable' || error.code === 'connection_lost'))
  return isIt ? 'it does not answer' : undefined
}

function isAnother(error: unknown): string | undefined {
  return error instanceof BackupError && error.code === 'bad_checkpoint' ? error.message : undefined
}

function tell(
  io: Io,
  file: string,
  options: Options,
  restored: CheckedBackup,
  lookedAt: readonly LookedAt[],
): void {
  if (options.json === true) {
    io.out(`${JSON.stringify({ restored: file, ...backupJson(restored), lookedAt })}\n`)
    return
  }
  const { manifest } = restored
  io.out(shardLines(manifest))
  io.out(`Restored: ${manifest.log} as of ${manifest.takenAt}, mode ${manifest.mode}.\n`)
  for (const { where, found } of lookedAt) io.err(`Looked for a newer state at ${where}: ${found}.\n`)
  if (lookedAt.length === 0) io.err('No place was named or running where a newer state could show.\n')
  io.err('Start the log with the keys it had; the search index is built again from the entries meanwhile.\n')
}
