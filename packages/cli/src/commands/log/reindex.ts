import { escaped, quoted } from '@sigstack/crypto'
import { isSearchedLog, reindex } from '@sigstack/rekor-log'
import type { Command } from 'commander'
import { CliError } from '../../errors.ts'
import type { Io } from '../../io.ts'
import { type DatabaseOptions, withDatabaseOptions, withLogDatabase } from '../../log-database.ts'
import { progressOf, whole } from '../../presentation/progress.ts'

type Options = DatabaseOptions & {
  readonly log: string
  readonly quiet?: boolean
  readonly json?: boolean
}

export function addReindex(log: Command, io: Io): void {
  const command = log
    .command('reindex')
    .summary('build the search index anew')
    .description(
      'Builds the search index of a Rekor log anew from the entries of all shards, while the log serves. Search answers from the ' +
        'old rows until the new ones are complete; then they are exchanged at once. Needs room for both in the database.',
    )
    .option('--log <name>', 'which log of the database: rekor-v1 or rekor-v2', 'rekor-v1')
    .option('--quiet', 'no progress')
    .option('--json', 'say the result as JSON')
  withDatabaseOptions(command).action(async (options: Options) => {
    const { log: name } = options
    if (!isSearchedLog(name))
      throw new CliError('bad_usage', `--log ${quoted(name, 60)}: rekor-v1 and rekor-v2 have a search index`)
    const { entries, unreadable } = await withLogDatabase(io, options, (pool) =>
      reindex({
        pool,
        name,
        onProgress: progressOf(io, 'indexed', options),
        onSorting: () => {
          if (options.quiet !== true) io.err('sorting the rows\n')
        },
        onTrouble: (reason, pauseMs) => {
          if (options.quiet !== true) io.err(`${escaped(reason, 300)}; trying again in ${pauseMs / 1000} s\n`)
        },
      }),
    )
    if (options.json === true) {
      io.out(`${JSON.stringify({ entries: `${entries}`, unreadable })}\n`)
      return
    }
    const without =
      unreadable === 0 ? '' : `; ${whole(unreadable)} of them cannot be read, and nothing finds them`
    io.out(
      `The search index is new, and holds ${entries === 1n ? '1 entry' : `all ${whole(entries)} entries`}${without}.\n`,
    )
  })
}
