import { reasonOf } from '@sigstack/crypto'
import type { IdentitySources } from '@sigstack/stack'
import type { Explanation } from '@sigstack/stack/explain-token'
import type { Command } from 'commander'
import { dataFolder, readEndpoints } from '../endpoints.ts'
import { CliError, ExitWith } from '../errors.ts'
import { readInput } from '../files.ts'
import { type Io, setting, textOf } from '../io.ts'
import { describeExplanation } from '../presentation/describe-explanation.ts'

/** With what it was made of. */
export type Explained = Explanation & { readonly sources: IdentitySources }

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
      'Prints which issuer and which rule of the policy apply to an identity token, and what the certificate would say. Issues nothing and asks nobody; the signature of the token is not looked at. The exit status is 1 where the CA would refuse, and where it is not known which configuration it runs with.',
    )
    .requiredOption('--token <file>', 'file that holds the token, - for standard input')
    .option(
      '--config <file>',
      'identity configuration of the CA (default: that of the stack on the data folder, else CA_CONFIG_FILE)',
    )
    .option('--policy <file>', 'policy file beside it (default: that of the stack, else CA_POLICY_FILE)')
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
  const explanation = await explanationOf(io, options, textOf(bytes, options.token, 'token'))
  io.out(options.json === true ? `${JSON.stringify(explanation)}\n` : describeExplanation(explanation))
  // All is said by then; the status is for scripts.
  if (!explanation.permitted) throw new ExitWith(1)
}

export async function explanationOf(
  io: Io,
  options: Omit<Options, 'token' | 'json'>,
  token: string,
): Promise<Explained> {
  const sources = await sourcesOf(io, options)
  const { configFile, policyFile, trialIssuer } = sources
  const { explainTokenWithFiles } = await import('@sigstack/stack/explain-token')
  try {
    return {
      sources,
      ...(await explainTokenWithFiles({ token, configFile, policyFile, trialIssuer, now: new Date() })),
    }
  } catch (cause) {
    throw new CliError('bad_configuration', reasonOf(cause), { cause })
  }
}

/** What the CA runs with. A guess would be no answer: where it is not known, nothing is said. */
async function sourcesOf(io: Io, options: Omit<Options, 'token' | 'json'>): Promise<IdentitySources> {
  const policyFile = options.policy ?? setting(io, 'CA_POLICY_FILE')
  if (options.config !== undefined)
    return { configFile: options.config, ...(policyFile !== undefined && { policyFile }) }
  // A stack that runs says itself what its CA runs with; the caller's environment may be another one's.
  const stack = await readIdentity(dataFolder(io, options.data), options.data !== undefined)
  if (stack !== undefined)
    return { ...stack, ...(options.policy !== undefined && { policyFile: options.policy }) }
  const configFile = setting(io, 'CA_CONFIG_FILE') ?? setting(io, 'SIGSTACK_CA_CONFIG_FILE')
  if (configFile === undefined)
    throw new CliError('unknown_configuration', 'it is not known which configuration the CA runs with', {
      advice: 'Name its files with --config and --policy, or the data folder of a running stack with --data.',
    })
  return { configFile, ...(policyFile !== undefined && { policyFile }) }
}

/** Undefined where no stack runs on a folder that nobody named. */
async function readIdentity(folder: string, isNamed: boolean): Promise<IdentitySources | undefined> {
  try {
    const { identity } = await readEndpoints(folder)
    if (identity !== undefined) return identity
  } catch (error) {
    if (error instanceof CliError && error.code === 'not_running' && !isNamed) return undefined
    throw error
  }
  throw new CliError(
    'unknown_configuration',
    `the stack on the data folder ${folder} does not say which configuration its CA runs with`,
    { advice: 'Name its files with --config and --policy.' },
  )
}
