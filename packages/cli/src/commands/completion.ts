/** Scripts by which a shell completes commands and options. They hold the words; nothing is run while typing. */
import { Argument, type Command } from 'commander'
import type { Io } from '../io.ts'

export type BuildProgram = (io: Io, loaded: readonly string[]) => Promise<Command>

const shells = ['bash', 'zsh', 'fish'] as const
type Shell = (typeof shells)[number]

/** The words after which there is something to complete, and what. */
type Completions = readonly (readonly [path: string, words: readonly string[]])[]

export function completionOf(buildProgram: BuildProgram, names: readonly string[]) {
  return (program: Command, io: Io): void => {
    program
      .command('completion')
      .summary('print a script that completes commands in a shell')
      .description(
        'Prints a script by which a shell completes commands and options, for example: source <(sigstack completion bash)',
      )
      .addArgument(new Argument('<shell>', 'which shell').choices(shells))
      .action(async (shell: Shell) => {
        io.out(scripts[shell](completions(await buildProgram(io, names))))
      })
  }
}

function completions(program: Command): Completions {
  const found: [string, readonly string[]][] = []
  const visit = (command: Command, path: readonly string[]): void => {
    const help = command.createHelp()
    const commands = help.visibleCommands(command)
    const options = help.visibleOptions(command).flatMap(({ long }) => long ?? [])
    found.push([path.join(' '), [...commands.map((sub) => sub.name()), ...options]])
    for (const sub of command.commands) visit(sub, [...path, sub.name()])
  }
  visit(program, [])
  return found
}

const scripts: Readonly<Record<Shell, (found: Completions) => string>> = {
  bash: (found) => `${functionOf(found)}
_sigstack() {
  local path="" word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) ;; *) [ -n "$(_sigstack_words "\${path:+$path }$word")" ] && path="\${path:+$path }$word" ;; esac
  done
  COMPREPLY=($(compgen -W "$(_sigstack_words "$path")" -- "\${COMP_WORDS[COMP_CWORD]}"))
  [ \${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o filenames -F _sigstack sigstack
`,
  zsh: (found) => `#compdef sigstack
${functionOf(found)}
_sigstack() {
  local joined="" word
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$word" in -*) ;; *) [ -n "$(_sigstack_words "\${joined:+$joined }$word")" ] && joined="\${joined:+$joined }$word" ;; esac
  done
  compadd -- \${=$(_sigstack_words "$joined")}
  _files
}
compdef _sigstack sigstack
`,
  fish: (found) => `function __sigstack_words
  set -l path ""
  for word in (commandline -opc)[2..]
    string match -q -- '-*' $word; or set path (string trim "$path $word")
  end
  switch $path
${found.map(([path, words]) => `    case '${path}'\n      printf '%s\\n' ${words.join(' ')}`).join('\n')}
  end
end
complete -c sigstack -a '(__sigstack_words)'
`,
}

function functionOf(found: Completions): string {
  const cases = found.map(([path, words]) => `    '${path}') echo '${words.join(' ')}' ;;`)
  return `_sigstack_words() {\n  case "$1" in\n${cases.join('\n')}\n  esac\n}`
}
