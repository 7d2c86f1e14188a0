import { changeMode, readMode } from '@sigstack/rekor-log'
import { Argument, type Command } from 'commander'
import { CliError } from '../../errors.ts'
import type { Io } from '../../io.ts'
import { type DatabaseOptions, withDatabaseOptions, withLogDatabase } from '../../log-database.ts'

const modes = ['open', 'read-only', 'maintenance'] as const
type Mode = (typeof modes)[number]
type Options = DatabaseOptions & {
  readonly log: string
  readonly reason?: string
  readonly json?: boolean
}

export function addMode(log: Command, io: Io): void {
  const command = log
    .command('mode')
    .summary('say or change whether new entries are taken')
    .description(
      'Says whether the log takes new entries, or changes it; every replica obeys with its next batch, without a restart. ' +
        'maintenance: writers are told to wait and try again (503). read-only: they are told that there is nothing ' +
        'to write to (501), and clients do not try again. Reading goes on in both.',
    )
    .addArgument(new Argument('[mode]', 'the new mode').choices(modes))
    .option('--reason <sentence>', 'what writers are told')
    .option('--log <name>', 'which log of the database: rekor-v1, rekor-v2 or ct', 'rekor-v1')
    .option('--json', 'say it as JSON')
  withDatabaseOptions(command).action((mode: Mode | undefined, options: Options) =>
    runMode(io, mode, options),
  )
}

async function runMode(io: Io, mode: Mode | undefined, options: Options): Promise<void> {
  const { log, reason } = options
  if (reason !== undefined && (reason.length > 300 || /[\p{Cc}]/u.test(reason))) {
    throw new CliError('bad_usage', 'the reason must be one line of at most 300 characters')
  }
  if (mode === undefined && reason !== undefined) {
    throw new CliError('bad_usage', 'a reason belongs to a change of the mode')
  }
  const now = await withLogDatabase(io, options, async (pool) => {
    if (mode !== undefined) await changeMode(pool, log, mode, reason)
    return readMode(pool, log)
  })
  if (now === undefined) throw new CliError('log_refused', `this database holds no log ${log}`)
  const because = now.reason === undefined ? '' : `: ${now.reason}`
  io.out(options.json === true ? `${JSON.stringify(now)}\n` : `${log} is ${now.mode}${because}\n`)
}
