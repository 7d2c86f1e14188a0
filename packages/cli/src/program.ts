/** The command line as a whole: commands, help, and what an error looks like. */
import { escaped } from '@sigstack/crypto'
import { OciError } from '@sigstack/oci/errors'
import { version } from '@sigstack/server/version'
import { SigningError } from '@sigstack/signing/errors'
import { VerificationError } from '@sigstack/verification/errors'
import { Command, CommanderError, Option } from 'commander'
import { type CommandOfProgram, mostCommands } from './commands.ts'
import { takeConnections } from './connections.ts'
import { cosignArguments } from './cosign-arguments.ts'
import { CliError, ExitWith } from './errors.ts'
import { writeOutput } from './files.ts'
import { harmless, type Io, messageOf } from './io.ts'
import { refuseCommand } from './left-to-cosign.ts'
import { helpLayout } from './presentation/help-layout.ts'
import { durationMs, type RootFlags, takeRootFlags } from './root-flags.ts'

const commands: Readonly<Record<string, CommandOfProgram>> = {
  ...mostCommands,
  completion: {
    summary: 'print a script that completes commands in a shell',
    load: async () => (await import('./commands/completion.ts')).completionOf(buildProgram, commandNames),
  },
  man: {
    summary: 'print a page of the manual',
    load: async () => (await import('./commands/man.ts')).manOf(buildProgram, commandNames),
  },
}
const commandNames: readonly string[] = Object.keys(commands)

/** Runs one command; `words` are the arguments without the program's name. Resolves to the exit status. */
export async function runCli(given: readonly string[], process: Io): Promise<number> {
  const json = given.includes('--json')
  const { words, connections } = takeConnections(given, process)
  const io = { ...harmless(process), prefersKept: connections !== 'any' }
  if (connections !== 'none') return runGiven(words, io, json)
  const { withoutConnections } = await import('@sigstack/http-client')
  return withoutConnections(() => runGiven(words, io, json))
}

async function runGiven(given: readonly string[], io: Io, json: boolean): Promise<number> {
  try {
    const flags = rootFlagsOf(given)
    if (flags === undefined) return await runWords(given, io, json)
    const { words, timeout, outputFile } = flags
    const timeoutMs = timeout === undefined ? usualTimeoutMs(words) : durationMs(timeout)
    const output = outputFile === undefined ? undefined : gatherOutput(io)
    const status = await within(timeoutMs, runWords(words, output?.io ?? io, json))
    if (output !== undefined && outputFile !== undefined)
      await writeOutput(io, outputFile, output.written(), [], 0o644)
    return status
  } catch (error) {
    tellError(io, error, json)
    if (error instanceof CliError && error.code === 'timed_out') io.leave?.(error.status)
    return error instanceof CliError ? error.status : 1
  }
}

function calledIn(words: readonly string[]): string | undefined {
  return words.find((word) => !word.startsWith('-') && word !== 'help')
}

function commandOf(called: string | undefined): CommandOfProgram | undefined {
  return called !== undefined && Object.hasOwn(commands, called) ? commands[called] : undefined
}

function usualTimeoutMs(words: readonly string[]): number | undefined {
  return commandOf(calledIn(words))?.isBounded === true ? 180_000 : undefined
}

/** Undefined where the command is none of cosign's, whose flags these are. */
function rootFlagsOf(given: readonly string[]): RootFlags | undefined {
  const flags = takeRootFlags(given)
  return commandOf(calledIn(flags.words))?.isCosign === true ? flags : undefined
}

function gatherOutput(io: Io): { readonly io: Io; written(): Buffer } {
  const parts: Buffer[] = []
  const take = (content: string | Uint8Array): void => void parts.push(Buffer.from(content))
  return { io: { ...io, out: take, file: take }, written: () => Buffer.concat(parts) }
}

async function within<Result>(timeoutMs: number | undefined, work: Promise<Result>): Promise<Result> {
  if (timeoutMs === undefined) return work
  const { promise: late, reject } = Promise.withResolvers<never>()
  const told = `the command took longer than ${timeoutMs} ms`
  const advice = '--timeout 10m gives it more time.'
  const timer = setTimeout(() => reject(new CliError('timed_out', told, { advice })), timeoutMs)
  return Promise.race([work, late]).finally(() => clearTimeout(timer))
}

async function runWords(words: readonly string[], io: Io, json: boolean): Promise<number> {
  try {
    const called = calledIn(words)
    if (called !== undefined) refuseCommand(called)
    const program = await buildProgram(io, called === undefined ? [] : [called])
    const unknown = asksForHelp(words) ? unknownCommand(program, words) : undefined
    if (unknown !== undefined) program.error(`error: unknown command '${unknown}'`)
    const spoken = namesGroup(program, words) ? [...words, '--help'] : wordsFor(program, words, called, io)
    await program.parseAsync([...spoken], { from: 'user' })
    return 0
  } catch (error) {
    if (error instanceof CommanderError) {
      // Commander has said it already, but not to programs.
      if (json && error.exitCode !== 0) tellJson(io, 'bad_usage', error.message.replace(/^error: /, ''))
      return error.exitCode
    }
    if (error instanceof ExitWith) return error.status
    tellError(io, error, json)
    return error instanceof CliError ? error.status : 1
  }
}

function asksForHelp(words: readonly string[]): boolean {
  return words[0] === 'help' || words.includes('--help') || words.includes('-h')
}

/** Commander shows the help of what is around it, and ends as if that had been asked for. */
function unknownCommand(program: Command, words: readonly string[]): string | undefined {
  let around = program
  for (const word of words) {
    if (around.commands.length === 0) return undefined
    if (word === 'help') continue
    if (word.startsWith('-')) return undefined
    const found = around.commands.find((each) => each.name() === word)
    if (found === undefined) return word
    around = found
  }
  return undefined
}

/**
 * The program and commands with others below them do nothing alone: their help is shown, as cosign does it. Those that do something, as
 * `token` and `pack`, have options of their own.
 */
function namesGroup(program: Command, words: readonly string[]): boolean {
  if (words.length === 0) return true
  let around: Command | undefined = program
  for (const word of words) around = around?.commands.find((each) => each.name() === word)
  return around !== undefined && around.commands.length > 0 && around.options.length === 0
}

function wordsFor(
  program: Command,
  words: readonly string[],
  called: string | undefined,
  io: Io,
): readonly string[] {
  const isCosign = commandOf(called)?.isCosign === true
  const command = isCosign ? program.commands.find((each) => each.name() === called) : undefined
  if (command === undefined || called === undefined || words[0] !== called) return words
  const sub = command.commands.find((each) => each.name() === words[1])
  if (sub === undefined) return [called, ...cosignArguments(words.slice(1), command, io)]
  return [called, sub.name(), ...cosignArguments(words.slice(2), sub, io)]
}

/** The program with the commands of `loaded`, and of the others the names. */
async function buildProgram(io: Io, loaded: readonly string[]): Promise<Command> {
  const program = new Command('sigstack')
    .description('A Sigstore stack of your own: run it, sign with it, verify with it.')
    .version(version)
    // Taken out of the words before they are read; here for the help.
    .option('--no-network', 'make every connection an error (default: SIGSTACK_OFFLINE)')
    .option('--offline', 'the same; verify and its kin may reach what their words name, such as a registry')
    .exitOverride()
    .configureHelp(helpLayout)
    .configureOutput({
      writeOut: io.out,
      writeErr: io.err,
      outputError: (text, write) => write(text.replace(/^error:/, 'Error:')),
    })
    .showHelpAfterError('Add --help for what is possible.')
  // Subcommands inherit the settings above only when they are added afterwards.
  for (const [name, { summary, load }] of Object.entries(commands)) {
    if (loaded.includes(name)) (await load())(program, io)
    else program.command(name).summary(summary)
  }
  allowJson(program)
  return program
}

/** Programs ask for JSON wherever they are; where it makes no other difference, it is how errors are told. */
function allowJson(command: Command): void {
  for (const sub of command.commands) allowJson(sub)
  const has = command.options.some(({ long }) => long === '--json')
  if (command.commands.length === 0 && !has)
    command.addOption(new Option('--json', 'tell an error as JSON').hideHelp())
}

function tellError(io: Io, error: unknown, json: boolean): void {
  const known =
    error instanceof CliError ||
    error instanceof SigningError ||
    error instanceof VerificationError ||
    error instanceof OciError
  const message = messageOf(error)
  const advice = known && 'advice' in error ? error.advice : undefined
  const reasons = error instanceof CliError ? error.reasons.map((reason) => escaped(reason, 4000)) : []
  if (json) tellJson(io, known ? error.code : 'internal', message, advice, reasons)
  io.err(`Error: ${[message, reasons.join('\n')].filter(Boolean).join(': ')}\n`)
  if (advice !== undefined) io.err(`${advice}\n`)
  // Only a programmer can mend the others.
  if (!known && error instanceof Error && error.stack !== undefined)
    io.err(`${error.stack.split('\n').map(messageOf).join('\n')}\n`)
}

function tellJson(
  io: Io,
  code: string,
  message: string,
  advice?: string,
  reasons: readonly string[] = [],
): void {
  const error = { code, message, advice, ...(reasons.length > 0 && { reasons }) }
  io.out(`${JSON.stringify({ error })}\n`)
}
