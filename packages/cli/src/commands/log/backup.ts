import { counted } from '@sigstack/crypto'
import { type BackedUp, backUpLog } from '@sigstack/rekor-log'
import type { Command } from 'commander'
import { CliError } from '../../errors.ts'
import { demandWritable } from '../../files.ts'
import type { Io } from '../../io.ts'
import { type DatabaseOptions, withDatabaseOptions, withLogDatabase } from '../../log-database.ts'
import { backupJson, notInBackup, shardLines } from '../../presentation/describe-backup.ts'
import { progressOf, whole } from '../../presentation/progress.ts'
import { checkpointsUrl, readCheckpoints } from '../../running-log.ts'

type Options = DatabaseOptions & {
  readonly log: string
  readonly checkpoints?: string
  readonly quiet?: boolean
  readonly json?: boolean
}

export function addBackup(log: Command, io: Io): void {
  const command = log
    .command('backup')
    .summary('write all shards of a log into one file')
    .description(
      'Writes all shards of a log into one file, which holds exactly what the checkpoints sign that the running log gives at ' +
        'that moment. Writers go on, and no lock is taken. Entries are hashed on the way: of a damaged log there is no ' +
        'backup, and the file of before stays.',
    )
    .argument('<file>', 'the backup; replaced once the new one is whole')
    .option(
      '--checkpoints <location>',
      'file or URL of what the log says of itself (default: /api/v1/log of the running stack)',
    )
    .option('--log <name>', 'which log of the database: rekor-v1, rekor-v2 or ct', 'rekor-v1')
    .option('--quiet', 'no progress')
    .option('--json', 'say the result as JSON')
  withDatabaseOptions(command).action(async (file: string, options: Options) => {
    await demandWritable([file])
    const location = options.checkpoints ?? (await checkpointsUrl(io, options).catch(orElsewhere))
    const checkpoints = await readCheckpoints(location)
    const done = await withLogDatabase(io, options, (pool) =>
      backUpLog({
        pool,
        log: options.log,
        file,
        checkpoints,
        now: new Date(),
        onProgress: progressOf(io, 'backed up', options),
      }),
    )
    tell(io, file, options, done)
  })
}

/** A log that runs apart is in no data folder. */
function orElsewhere(cause: unknown): never {
  if (!(cause instanceof CliError)) throw cause
  throw new CliError(cause.code, `where the log tells its checkpoints is not known: ${cause.message}`, {
    cause,
    advice:
      'Say --checkpoints URL: /api/v1/log of a Rekor log, /checkpoint of a CT log; or --data FOLDER of a stack that runs.',
  })
}

function tell(io: Io, file: string, options: Options, done: BackedUp): void {
  const { manifest, entries, later, fileBytes, sha256 } = done
  if (options.json === true) {
    const sizes = { entries: `${entries}`, later: `${later}`, fileBytes }
    io.out(
      `${JSON.stringify({ file, ...backupJson({ manifest, sha256 }), ...sizes, notIncluded: notInBackup })}\n`,
    )
    return
  }
  io.out(shardLines(manifest))
  io.out(
    `${file}: ${counted(entries, 'entry', 'entries', whole)}, ${whole(fileBytes)} bytes, checksum ${sha256.toString('hex')}\n`,
  )
  if (later > 0n)
    io.err(`Logged since those checkpoints, and not in it: ${counted(later, 'entry', 'entries', whole)}.\n`)
  io.err(`Not in it: ${notInBackup.join('; ')}.\n`)
}
