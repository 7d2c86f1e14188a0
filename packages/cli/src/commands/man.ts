/** The manual: what `--help` says, for `man`. */
import { version } from '@sigstack/server/version'
import type { Command } from 'commander'
import { CliError } from '../errors.ts'
import { writeOutput } from '../files.ts'
import type { Io } from '../io.ts'
import { manPage, pageName } from '../presentation/man-page.ts'
import type { BuildProgram } from './completion.ts'

export function manOf(buildProgram: BuildProgram, names: readonly string[]) {
  return (program: Command, io: Io): void => {
    program
      .command('man')
      .summary('print a page of the manual')
      .description(
        'Prints the page of a command in the form that man reads (sigstack man verify | man -l -).',
      )
      .argument('[command...]', 'the words of the command; none: the page of the tool')
      .option('--folder <folder>', 'write every page there, which must exist, in place of printing one')
      .action(async (words: readonly string[], { folder }: { readonly folder?: string }) => {
        const whole = await buildProgram(io, names)
        if (folder === undefined) io.out(manPage(findCommand(whole, words), words, version))
        else await writePages(io, whole, folder)
      })
  }
}

function findCommand(program: Command, words: readonly string[]): Command {
  let found = program
  for (const word of words) {
    const sub = found.commands.find((each) => each.name() === word)
    if (sub === undefined) throw new CliError('bad_usage', `there is no command ${words.join(' ')}`)
    found = sub
  }
  return found
}

async function writePages(io: Io, program: Command, folder: string): Promise<void> {
  const write = async (command: Command, path: readonly string[]): Promise<void> => {
    const page = manPage(command, path, version)
    await writeOutput(io, `${folder}/${pageName(path)}.1`, page, [], 0o644)
    for (const sub of command.commands) if (sub.name() !== 'help') await write(sub, [...path, sub.name()])
  }
  await write(program, [])
}
