import { type Explanation, explainTokenWithFiles } from '@sigstack/stack'
import { type Command, CommanderError } from 'commander'
import { dataFolder, readEndpoints } from '../endpoints.ts'
import { CliError } from '../errors.ts'
import { type Io, readInput } from '../io.ts'
import { describeExplanation } from '../presentation/describe-explanation.ts'

type Options = {
  readonly token: string
  readonly config?: string
  readonly policy?: string
  readonly data?: string
  readonly json?: boolean
}

export function addCaExplain(ca: Command, io: Io): void {
  ca.command('explain')
    .summary('tell what the CA would make of a token')
    .description(
      'Prints which issuer and which rule of the policy apply to an identity token, and what the certificate would say. Issues nothing and asks nobody; the signature of the token is not looked at. The exit status is 1 where the CA would refuse.',
    )
    .requiredOption('--token <file>', 'file that holds the token, - for standard input')
    .option(
      '--config <file>',
      'identity configuration of the CA (default: that of the stack on the data folder)',
    )
    .option('--policy <file>', 'policy file beside it')
    .option('--data <folder>', 'data folder of the running stack (default: SIGSTACK_DATA, else ./.sigstack)')
    .option('--json', 'tell the result as JSON')
    .action((options: Options) => explain(io, options))
}

/** A token is at most 16 KiB; a larger file is something else. */
const longestToken = 64 * 1024

export async function explain(io: Io, options: Options): Promise<void> {
  const bytes = await readInput(io, options.token)
  if (bytes.length > longestToken)
    throw new CliError('bad_token', `${options.token} is too large for a token`)
  const explanation = await explanationOf(io, options, bytes.toString('utf8'))
  io.out(
    options.json === true
      ? `${JSON.stringify(explanation, undefined, 2)}\n`
      : describeExplanation(explanation),
  )
  // All is said by then; the status is for scripts.
  if (!explanation.permitted) throw new CommanderError(1, 'sigstack.refused', 'refused')
}

async function explanationOf(io: Io, options: Options, token: string): Promise<Explanation> {
  const configFile =
    options.config ?? io.environment['SIGSTACK_CA_CONFIG_FILE'] ?? io.environment['CA_CONFIG_FILE']
  const policyFile = options.policy ?? io.environment['CA_POLICY_FILE']
  const trialIssuer =
    configFile === undefined ? (await readEndpoints(dataFolder(io, options.data))).issuer : undefined
  try {
    return await explainTokenWithFiles({ token, configFile, policyFile, trialIssuer, now: new Date() })
  } catch (cause) {
    throw new CliError('bad_configuration', cause instanceof Error ? cause.message : String(cause), { cause })
  }
}
