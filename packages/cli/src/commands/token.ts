import type { Command } from 'commander'
import { dataFolder, readEndpoints } from '../endpoints.ts'
import { CliError } from '../errors.ts'
import type { Io } from '../io.ts'
import { requestTrialToken } from '../signing/trial-issuer.ts'
import { addTokenShow } from './token-show.ts'

type Options = {
  readonly email?: string
  readonly subject?: string
  readonly audience?: string
  readonly data?: string
  readonly json?: boolean
}

export function addToken(program: Command, io: Io): void {
  const token = program
    .command('token')
    .summary('get a token of the trial issuer, or show one')
    .description(
      'Prints an identity token of the trial issuer on standard output. Only a trial stack has such an issuer.',
    )
    .option('--email <address>', 'the identity')
    .option('--subject <subject>', 'the subject claim')
    .option('--audience <audience>', 'whom the token is for (default: sigstore)')
    .option('--data <folder>', 'data folder of the running stack (default: SIGSTACK_DATA, else ./.sigstack)')
    .option('--json', 'tell the result as JSON')
    .action((options: Options) => printToken(io, options))
  addTokenShow(token, io)
}

async function printToken(io: Io, { data, json, ...identity }: Options): Promise<void> {
  if (identity.email === undefined && identity.subject === undefined) {
    throw new CliError('bad_usage', 'name whom the token is for, with --email or --subject')
  }
  const token = await requestTrialToken(await readEndpoints(dataFolder(io, data)), identity)
  io.out(json === true ? `${JSON.stringify({ token })}\n` : `${token}\n`)
}
