/** Pages of the manual, out of what `--help` is made of. They hold no date, so the same tool gives the same bytes. */
import type { Command } from 'commander'

/** In the form of roff's macros `man`. `path` is the command's words without the program's name. */
export function manPage(command: Command, path: readonly string[], version: string): string {
  const help = command.createHelp()
  const name = pageName(path)
  const subs = help.visibleCommands(command).filter((sub) => sub.name() !== 'help')
  const summary = path.length === 0 ? command.description() : command.summary()
  const sections = [
    section('NAME', [`${text(name)} \\- ${text(summary.replace(/\.$/, ''))}`]),
    section('SYNOPSIS', ['.nh', `.B ${text(['sigstack', ...path].join(' '))}`, text(command.usage()), '.hy']),
    section('DESCRIPTION', [text(command.description())]),
    section(
      'ARGUMENTS',
      items(help.visibleArguments(command), (argument) => [
        help.argumentTerm(argument),
        help.argumentDescription(argument),
      ]),
    ),
    section(
      'OPTIONS',
      items(help.visibleOptions(command), (option) => [
        help.optionTerm(option),
        help.optionDescription(option),
      ]),
    ),
    section(
      'COMMANDS',
      items(subs, (sub) => [[...path, sub.name()].join(' '), sub.summary()]),
    ),
    section('EXIT STATUS', [
      '0 where it was done, another where not; what is missing is said on standard error.',
    ]),
    section('SEE ALSO', [seeAlso(path, subs)]),
  ]
  return `.TH "${text(name.toUpperCase())}" 1 "" "sigstack ${text(version)}" "sigstack"\n${sections.join('')}`
}

/** `sigstack-ca-explain`, as pages of commands are called. */
export function pageName(path: readonly string[]): string {
  return ['sigstack', ...path].join('-')
}

function seeAlso(path: readonly string[], subs: readonly Command[]): string {
  const above = path.length === 0 ? [] : [path.slice(0, -1)]
  return [...above, ...subs.map((sub) => [...path, sub.name()])]
    .map((each) => `\\fB${text(pageName(each))}\\fR(1)`)
    .join(', ')
}

function section(title: string, lines: readonly string[]): string {
  const body = lines.filter((line) => line !== '')
  return body.length === 0 ? '' : `.SH ${title}\n${body.join('\n')}\n`
}

function items<Item>(
  all: readonly Item[],
  wordsOf: (item: Item) => readonly [term: string, description: string],
): readonly string[] {
  return all.flatMap((item) => {
    const [term, description] = wordsOf(item)
    return ['.TP', `.B ${text(term)}`, text(description)]
  })
}

const roffOf: Readonly<Record<string, string>> = { '\\': '\\e', '-': '\\-', '"': '\\(dq', '\n': ' ' }

/** What roff would take for its own is none of its own; a hyphen stays one that can be copied. */
function text(words: string): string {
  const plain = Array.from(words, (each) => roffOf[each] ?? (each < '\u007f' ? each : numbered(each))).join(
    '',
  )
  return /^[.']/.test(plain) ? `\\&${plain}` : plain
}

function numbered(character: string): string {
  return `\\[u${character.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0')}]`
}
