import { verifyBackup } from '@sigstack/rekor-log'
import type { Command } from 'commander'
import type { Io } from '../../io.ts'
import { asCliError } from '../../log-database.ts'
import { backupJson, shardLines } from '../../presentation/describe-backup.ts'
import { progressOf } from '../../presentation/progress.ts'

type Options = { readonly quiet?: boolean; readonly json?: boolean }

export function addVerifyBackup(log: Command, io: Io): void {
  log
    .command('verify-backup')
    .summary('check a backup without a database')
    .description(
      'Reads a backup whole: its checksums, the signatures of its checkpoints, and that its entries make the trees that they ' +
        'sign. Needs no database and no key. The log IDs that it prints are those of the keys the log belongs to.',
    )
    .argument('<file>', 'the backup')
    .option('--quiet', 'no progress')
    .option('--json', 'say the result as JSON')
    .action(async (file: string, options: Options) => {
      const checked = await verifyBackup(file, progressOf(io, 'checked', options)).catch((error: unknown) => {
        throw asCliError(error)
      })
      if (options.json === true) {
        io.out(`${JSON.stringify({ verdict: 'sound', file, ...backupJson(checked) })}\n`)
        return
      }
      const { manifest, sha256 } = checked
      io.out(shardLines(manifest))
      io.out(
        `${file} is sound: ${manifest.log} as of ${manifest.takenAt}, checksum ${sha256.toString('hex')}\n`,
      )
    })
}
