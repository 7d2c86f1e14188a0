import type { Command } from 'commander'
import { dataFolder, readEndpoints } from '../endpoints.ts'
import type { Io } from '../io.ts'
import { requestTrialToken } from '../signing/trial-issuer.ts'

type Options = {
  readonly email?: string
  readonly subject?: string
  readonly audience?: string
  readonly data?: string
  readonly json?: boolean
}

export function addToken(program: Command, io: Io): void {
  program
    .command('token')
    .summary('get a token of the trial issuer')
    .description(
      'Prints an identity token of the trial issuer on standard output. Only a trial stack has such an issuer.',
    )
    .option('--email <address>', 'the identity')
    .option('--subject <subject>', 'the subject claim')
    .option('--audience <audience>', 'whom the token is for (default: sigstore)')
    .option('--data <folder>', 'data folder of the running stack (default: SIGSTACK_DATA, else ./.sigstack)')
    .option('--json', 'tell the result as JSON')
    .action((options: Options) => printToken(io, options))
}

export async function printToken(io: Io, { data, json, ...identity }: Options): Promise<void> {
  if (identity.email === undefined && identity.subject === undefined) {
    io.err('Naming nobody; the trial issuer decides whom the token is for. Use --email to say it.\n')
  }
  const token = await requestTrialToken(await readEndpoints(dataFolder(io, data)), identity)
  io.out(json === true ? `${JSON.stringify({ token })}\n` : `${token}\n`)
}
