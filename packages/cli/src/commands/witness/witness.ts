/** Witnesses of a log, as a policy names them. */
import type { Command } from 'commander'
import type { Io } from '../../io.ts'
import { type StatusOptions, witnessStatus } from './status.ts'

export function addWitness(program: Command, io: Io): void {
  const witness = program
    .command('witness')
    .summary('ask the witnesses of a log how far they are')
    .description('Witnesses of a log, as a policy (C2SP tlog-policy) names them.')
  witness
    .command('status')
    .summary('tell what each witness has signed last')
    .description(
      'Reads the newest checkpoint of the log, and of each witness what it has signed of that log last; verifies both. Ends with status 1 ' +
        'when the newest checkpoint lacks the quorum.',
    )
    .requiredOption('--policy <file>', 'witnesses with their URLs, and the quorum')
    .option('--log <url>', 'the log, where its /checkpoint is (default: Rekor of the running stack)')
    .option('--data <folder>', 'data folder of the running stack (default: SIGSTACK_DATA, else ./.sigstack)')
    .option('--json', 'tell it as JSON')
    .action((options: StatusOptions) => witnessStatus(io, options))
}
