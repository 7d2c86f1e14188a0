/** The command line as a whole: commands, help, and what an error looks like. */
import { Command, CommanderError } from 'commander'
import { addCa } from './commands/ca.ts'
import { addLog } from './commands/log/log.ts'
import { addSignBlob } from './commands/sign-blob.ts'
import { addToken } from './commands/token.ts'
import { addTrust } from './commands/trust.ts'
import { addUp } from './commands/up.ts'
import { addVerifyBlob } from './commands/verify-blob.ts'
import { CliError, ExitWith } from './errors.ts'
import type { Io } from './io.ts'
import { withoutTokens } from './signing/sign-bundle.ts'

/** Runs one command; `words` are the arguments without the program's name. Resolves to the exit status. */
export async function runCli(words: readonly string[], io: Io): Promise<number> {
  try {
    await buildProgram(io).parseAsync([...words], { from: 'user' })
    return 0
  } catch (error) {
    // Commander has said it already.
    if (error instanceof CommanderError) return error.exitCode
    if (error instanceof ExitWith) return error.status
    tellError(io, error, words.includes('--json'))
    return error instanceof CliError ? error.status : 1
  }
}

function buildProgram(io: Io): Command {
  const program = new Command('sigstack')
    .description('A Sigstore stack of your own: run it, sign with it, verify with it.')
    .version('0.1.0')
    .exitOverride()
    .configureOutput({ writeOut: io.out, writeErr: io.err })
    .showHelpAfterError('(add --help for what is possible)')
  // Subcommands inherit the settings above only when they are added afterwards.
  addUp(program, io)
  addSignBlob(program, io)
  addVerifyBlob(program, io)
  addTrust(program, io)
  addToken(program, io)
  addLog(program, io)
  addCa(program, io)
  return program
}

function tellError(io: Io, error: unknown, json: boolean): void {
  const known = error instanceof CliError
  const message = withoutTokens(error instanceof Error ? error.message : String(error))
  const advice = known ? error.advice : undefined
  if (json) {
    io.out(`${JSON.stringify({ error: { code: known ? error.code : 'internal', message, advice } })}\n`)
  }
  io.err(`Error: ${message}\n`)
  if (advice !== undefined) io.err(`${advice}\n`)
  // Only a programmer can mend the others.
  if (!known && error instanceof Error && error.stack !== undefined) io.err(`${withoutTokens(error.stack)}\n`)
}
