/** Timestamps of files by any authority (RFC 3161): asked for, verified, shown. */
import type { Command } from 'commander'
import type { Io } from '../../io.ts'
import { type CreateOptions, createTimestamp } from './create.ts'
import { inspectTimestamp } from './inspect.ts'
import { type VerifyOptions, verifyTimestamp } from './verify.ts'

const dataOption = [
  '--data <folder>',
  'data folder of the stack (default: SIGSTACK_DATA, else ./.sigstack)',
] as const
const profileOption = ['--profile <name>', 'a profile, in place of the running stack'] as const

export function addTimestamp(program: Command, io: Io): void {
  const timestamp = program
    .command('timestamp')
    .summary('have files stamped with the time, and verify stamps')
    .description('Timestamps of files by any authority that speaks RFC 3161.')
  timestamp
    .command('create')
    .summary('have a file stamped')
    .description(
      'Asks a timestamp authority for a stamp of the file and writes its answer as it is. Only a digest leaves this machine.',
    )
    .argument('<file>', 'what is stamped; - is standard input')
    .option('--url <url>', 'the authority (default: of the signing config)')
    .option('--hash <name>', 'sha256, sha384 or sha512', 'sha256')
    .option('--policy <oid>', 'ask for this policy')
    .option('--no-nonce', 'ask without a number that the answer must repeat')
    .option('--no-certificate', 'ask for no certificate in the answer')
    .option('--out <file>', 'where the stamp goes (default: the file with .tsr behind its name)')
    .option(...dataOption)
    .option(...profileOption)
    .action((file: string, options: CreateOptions) => createTimestamp(io, file, options))

  timestamp
    .command('verify')
    .summary('verify a stamp of a file')
    .description(
      'Verifies that an authority which is trusted stamped the file, and tells when. Needs no network with files.',
    )
    .argument('<file>', 'what was stamped; - is standard input')
    .option('--timestamp <file>', 'the stamp (default: the file with .tsr behind its name)')
    .option(
      '--certificate-chain <file>',
      'the chain of the authority in PEM, in place of those in the trusted root',
    )
    .option('--trusted-root <location>', 'file or URL of the trusted root (default: of the stack)')
    .option('--json', 'tell the result as JSON')
    .option(...dataOption)
    .option(...profileOption)
    .action((file: string, options: VerifyOptions) => verifyTimestamp(io, file, options))

  timestamp
    .command('inspect')
    .summary('show what a stamp says')
    .description('Shows what a stamp says. Nothing of it is verified.')
    .argument('<timestamp>', 'the stamp; - is standard input')
    .option('--json', 'tell it as JSON')
    .action((file: string, options: { readonly json?: boolean }) => inspectTimestamp(io, file, options))
}
