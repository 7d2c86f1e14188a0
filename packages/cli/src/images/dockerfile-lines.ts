/**
 * The instructions of a Dockerfile, cut as BuildKit cuts them (its package `frontend/dockerfile/parser`): what one reader takes for
 * text and the other for an instruction is an image that nobody verifies. What BuildKit refuses, or what two of its readers would
 * take for two things, is an error.
 */
import { quoted } from '@sigstack/crypto'
import { CliError } from '../errors.ts'

export type Instruction = {
  /** In upper case. */
  readonly name: string
  /** Those before everything else, with their dashes, without quotes and escapes. */
  readonly flags: readonly string[]
  readonly rest: string
  /** All of it, for people. */
  readonly line: string
}

export type Dockerfile = {
  readonly instructions: Iterable<Instruction>
  /** By which a line goes on, and a character loses its meaning. */
  readonly escape: string
  /** The program that reads the file in place of BuildKit's own. */
  readonly syntax: string | undefined
}

const known: ReadonlySet<string> = new Set(
  (
    'ADD ARG CMD COPY ENTRYPOINT ENV EXPOSE FROM HEALTHCHECK LABEL MAINTAINER ONBUILD RUN SHELL STOPSIGNAL USER ' +
    'VOLUME WORKDIR'
  ).split(' '),
)
const withHeredocs: ReadonlySet<string> = new Set(['ADD', 'COPY', 'RUN'])

export function readDockerfile(text: string): Dockerfile {
  const lines = text
    .replace(/^\uFEFF/, '')
    .split('\n')
    .map((line) => withoutEnd(line, '\r'))
  const { escape = '\\', syntax } = directivesOf(lines)
  return { escape, syntax, instructions: instructionsOf(lines, escape) }
}

export function unreadable(message: string): CliError {
  return new CliError('unreadable', `failed extracting images from Dockerfile: ${message}`)
}

/** `# NAME=VALUE`, which stand before everything else. */
function directivesOf(lines: readonly string[]): Readonly<Record<string, string | undefined>> {
  const found = new Map<string, string>()
  for (const line of lines) {
    const [, word = '', value = ''] = /^#\s*([a-zA-Z]+)\s*=\s*(\S.*)$/.exec(withoutIndent(line)) ?? []
    const name = word.toLowerCase()
    if (!['escape', 'syntax', 'check'].includes(name)) break
    if (found.has(name)) throw unreadable(`only one ${name} parser directive can be used`)
    found.set(name, value.trimEnd())
  }
  const escape = found.get('escape') ?? '\\'
  if (escape !== '\\' && escape !== '`') throw unreadable(`invalid escape token ${quoted(escape, 100)}`)
  return { escape, syntax: found.get('syntax') }
}

function* instructionsOf(lines: readonly string[], escape: string): Generator<Instruction> {
  for (let at = 0; at < lines.length; at++) {
    const first = withoutIndent(lines[at] ?? '')
    if (first === '' || first.startsWith('#')) continue
    let piece = withoutContinuation(first, escape)
    let line = piece ?? first
    while (piece !== undefined && ++at < lines.length) {
      const next = lines[at] ?? ''
      const bare = withoutIndent(next)
      // Comments and empty lines do not end an instruction that goes on.
      if (bare === '' || bare.startsWith('#')) continue
      piece = withoutContinuation(next, escape)
      line += piece ?? next
    }
    const instruction = instructionIn(line)
    yield instruction
    if (withHeredocs.has(instruction.name))
      for (const heredoc of heredocsIn(line)) at = endOfHeredoc(heredoc, lines, at)
  }
}

/** The line without the escape at its end; undefined where it does not go on. One that is itself escaped ends nothing. */
function withoutContinuation(line: string, escape: string): string | undefined {
  const trimmed = withoutEnd(line, ' \t')
  if (!trimmed.endsWith(escape) || trimmed.at(-2) === escape) return undefined
  return trimmed.slice(0, -1)
}

function instructionIn(line: string): Instruction {
  const { name, flags, rest } = partsOf(line)
  if (name !== 'ONBUILD') return { name, flags, rest, line: line.trim() }
  if (flags.length > 0) throw unreadable(`there is a flag in line ${quoted(line, 200)}`)
  return { ...partsOf(rest), line: line.trim() }
}

function partsOf(line: string): Omit<Instruction, 'line'> {
  const [, word = '', text = ''] = /^([^\t\v\f\r ]*)[\t\v\f\r ]*([^]*)$/.exec(line.trim()) ?? []
  const name = word.toUpperCase()
  if (!known.has(name)) throw unreadable(`unknown instruction: ${quoted(word, 100)}`)
  return { name, ...flagsIn(text) }
}

/** Words that begin with `--`, before any other; a backslash escapes in them whatever the file says. */
function flagsIn(text: string): Pick<Instruction, 'flags' | 'rest'> {
  const flags: string[] = []
  for (let at = 0; ; ) {
    while (/\s/.test(text.charAt(at))) at++
    if (!text.startsWith('--', at)) return { flags, rest: text.slice(at).trim() }
    let flag = ''
    let quote = ''
    for (; at < text.length && (quote !== '' || !/\s/.test(text.charAt(at))); at++) {
      const char = text.charAt(at)
      // BuildKit looks at bytes here.
      if (char > '~') throw unreadable(`a flag holds ${quoted(char)}`)
      if (char === quote) quote = ''
      else if (quote === '' && (char === '"' || char === "'")) quote = char
      else flag += char === '\\' ? text.charAt(++at) : char
    }
    if (flag === '--') return { flags, rest: text.slice(at).trim() }
    flags.push(flag)
  }
}

type Heredoc = { readonly end: string; readonly isIndented: boolean }

/** In a line with an end of text in it, what only a shell could tell apart is refused. */
function heredocsIn(line: string): readonly Heredoc[] {
  if (!line.includes('<<')) return []
  return shellWords(line).flatMap((word) => {
    const [, dash, name = ''] = /^[0-9]*<<(-?)([^<]+)$/.exec(word) ?? []
    if (name === '') return []
    const [, end = ''] = /^(?:"([\w.-]+)"|'([\w.-]+)'|([\w.-]+))$/.exec(name)?.filter(Boolean) ?? []
    if (end === '') throw unreadable(`the end of the text that ${quoted(word, 100)} begins is no plain word`)
    return [{ end, isIndented: dash === '-' }]
  })
}

/** The line that ends the text. */
function endOfHeredoc({ end, isIndented }: Heredoc, lines: readonly string[], at: number): number {
  for (let next = at + 1; next < lines.length; next++)
    if ((isIndented ? lines[next]?.replace(/^\t+/, '') : lines[next]) === end) return next
  throw unreadable(`the text that ends with ${quoted(end, 100)} has no end`)
}

function shellWords(line: string): readonly string[] {
  for (let at = line.indexOf('${'); at >= 0; at = line.indexOf('${', at + 1))
    if (!/^\$\{[^\s"'\\<${}]*\}/.test(line.slice(at, at + 1000)))
      throw unreadable(`${quoted(line.slice(at), 100)} beside << cannot be read here`)
  return wordsOf(line, '\\', () => {
    throw unreadable(`there is a quote without an end beside << in line ${quoted(line, 200)}`)
  })
}

/**
 * Between white space that stands in no quotes, as it is written. An escape takes the meaning of what follows, but between single
 * quotes.
 */
export function wordsOf(line: string, escape: string, onOpenQuote: () => void = () => {}): readonly string[] {
  const words: string[] = []
  let word = ''
  let quote = ''
  for (let at = 0; at < line.length; at++) {
    const char = line.charAt(at)
    if (quote === '' && isSpace(char)) {
      if (word !== '') words.push(word)
      word = ''
      continue
    }
    word += char
    if (char === escape && quote !== "'") word += line.charAt(++at)
    else if (char === quote) quote = ''
    else if (quote === '' && (char === '"' || char === "'")) quote = char
  }
  if (quote !== '') onOpenQuote()
  return word === '' ? words : [...words, word]
}

/** As Go has it, which takes another few characters for white space than JavaScript does. */
function isSpace(char: string): boolean {
  return char === '\u0085' || (char !== '\uFEFF' && /\s/.test(char))
}

function withoutIndent(line: string): string {
  let at = 0
  while (at < line.length && isSpace(line.charAt(at))) at++
  return line.slice(at)
}

function withoutEnd(line: string, characters: string): string {
  let end = line.length
  while (end > 0 && characters.includes(line.charAt(end - 1))) end--
  return line.slice(0, end)
}
