import { counted, escaped } from '@sigstack/crypto'
import { freeze } from '@sigstack/rekor-log'
import type { Command } from 'commander'
import type { Io } from '../../io.ts'
import { type DatabaseOptions, withDatabaseOptions, withLogDatabase } from '../../log-database.ts'
import { demandConsent } from '../../questions.ts'

type Options = DatabaseOptions & { readonly log: string; readonly yes?: boolean; readonly json?: boolean }

export function addFreeze(log: Command, io: Io): void {
  const command = log
    .command('freeze')
    .summary('end a log of Rekor v2 that is followed by another one')
    .description(
      'Freezes the log for good: it has its last entry, and its last checkpoint says so. Every replica obeys with its next batch, without ' +
        'a restart. Writers are told to go to the newest log (405); reading goes on. There is no way back: what stops writers for a ' +
        'while is `sigstack log mode`.',
    )
    .option(
      '--log <name>',
      'which log of the database: rekor-v2, or rekor-v2/1 and so on, which follow it',
      'rekor-v2',
    )
    .option('-y, --yes', 'ask nothing')
    .option('--json', 'say the result as JSON')
  withDatabaseOptions(command).action((options: Options) => runFreeze(io, options))
}

async function runFreeze(io: Io, options: Options): Promise<void> {
  const { log, yes = false, json = false } = options
  await demandConsent(io, `${escaped(log)} will never take an entry again.`, yes)
  const { origin, size, frozenAt } = await withLogDatabase(io, options, (pool) => freeze(pool, log))
  io.out(
    json
      ? `${JSON.stringify({ origin, size: `${size}`, frozenAt: frozenAt.toISOString() })}\n`
      : `Frozen: ${origin}, with ${counted(size, 'entry', 'entries')}.\n`,
  )
}
