/** What is in an identity token, and what the CA would make of it. Its signature is never shown: with it a token is a key. */
import { isObject, parseBoundedJson } from '@sigstack/crypto'
import { demandToken, subjectOfToken } from '@sigstack/signing'
import type { Command } from 'commander'
import { CliError, ExitWith } from '../errors.ts'
import { readInput } from '../files.ts'
import { type Io, textOf } from '../io.ts'
import { describeExplanation } from '../presentation/describe-explanation.ts'
import { describeToken, type Shown } from '../presentation/describe-token.ts'
import { tokenAround, tokenOrFile } from '../signing/identity-token.ts'
import { type Explained, explanationOf } from './ca-explain.ts'

type Options = {
  readonly oidcProvider?: string
  readonly config?: string
  readonly policy?: string
  readonly data?: string
  readonly json?: boolean
}

export function addTokenShow(token: Command, io: Io): void {
  token
    .command('show')
    .summary('tell what is in a token, and what the CA would make of it')
    .description(
      'Prints header and claims of an identity token, and which rule of the CA applies to it (see ca explain). Never prints the signature, and does not look at it. The exit status is 1 where the CA would refuse the token.',
    )
    .argument(
      '[token]',
      'a token, a file that holds one, or - (default: that of the surroundings of the job)',
    )
    .option('--oidc-provider <name>', 'of the surroundings, take the token of this provider alone')
    .option('--config <file>', 'identity configuration of the CA (default: that of the stack)')
    .option('--policy <file>', 'policy file beside it')
    .option('--data <folder>', 'data folder of the running stack (default: SIGSTACK_DATA, else ./.sigstack)')
    .option('--json', 'tell the result as JSON')
    // Those of the command above are read there.
    .action((given: string | undefined, _own: object, command: Command) =>
      showToken(io, given, command.optsWithGlobals<Options>()),
    )
}

async function showToken(io: Io, given: string | undefined, options: Options): Promise<void> {
  const token = await tokenOf(io, given, options)
  const shown = shownOf(token)
  const explanation = await explained(io, options, token)
  if (options.json === true) io.out(`${JSON.stringify({ ...shown, explanation })}\n`)
  else {
    io.out(describeToken(shown, new Date()))
    io.out(explanation === undefined ? unknown : `\n${describeExplanation(explanation)}`)
  }
  if (explanation?.permitted === false) throw new ExitWith(1)
}

const unknown =
  '\nWhat the CA would make of it is not known here: name its files with --config and --policy, or the\n' +
  'data folder of a running stack with --data.\n'

async function tokenOf(io: Io, given: string | undefined, options: Options): Promise<string> {
  if (given === '-') return textOf(await readInput(io, '-'), 'standard input', 'token').trim()
  const found = given === undefined ? await tokenAround(io, options) : await tokenOrFile(given)
  if (found !== undefined) return found.trim()
  throw new CliError('no_token', 'the surroundings have no token', {
    advice: 'Name one, a file that holds one, or - for standard input.',
  })
}

/** One that has expired is shown too. */
function shownOf(token: string): Shown {
  demandToken(token, new Date(0))
  const [header, claims] = token.split('.').map(membersIn)
  return { header, claims, proofOver: subjectIn(token) }
}

function membersIn(part: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const found: unknown = parseBoundedJson(Buffer.from(part, 'base64url').toString('utf8'))
    return isObject(found) ? { ...found } : undefined
  } catch {
    return undefined
  }
}

/** Undefined where nobody could sign with it. */
function subjectIn(token: string): string | undefined {
  try {
    return subjectOfToken(token)
  } catch {
    return undefined
  }
}

async function explained(io: Io, options: Options, token: string): Promise<Explained | undefined> {
  try {
    return await explanationOf(io, options, token)
  } catch (error) {
    if (error instanceof CliError && error.code === 'unknown_configuration') return undefined
    throw error
  }
}
