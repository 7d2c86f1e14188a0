/** A command that a build of the tool goes without: it has its name, and says where it is to be had. */
import type { Command } from 'commander'
import { CliError } from '../errors.ts'

export function leftOut(name: string, summary: string, reason: string, advice: string) {
  return (program: Command): void => {
    program
      .command(name)
      .summary(summary)
      .description(`Not part of this build: ${reason}. ${advice}`)
      .allowUnknownOption()
      .allowExcessArguments()
      .action(() => {
        throw new CliError('left_out', `this build has no command ${name}: ${reason}`, { advice })
      })
  }
}
