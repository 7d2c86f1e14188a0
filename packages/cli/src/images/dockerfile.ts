/**
 * The images that a Dockerfile builds upon or copies from, as BuildKit finds them: continued lines, heredocs, stages by
 * name and number. What cannot be read is an error, since an image that is overlooked is one that nobody verifies.
 */
import { quoted } from '@sigstack/crypto'
import { CliError } from '../errors.ts'

export type DockerfileImages = {
  /** In order, as often as they are named. */
  readonly images: readonly string[]
  /** Of the last stage, through the stages it is built on; the last image where that one starts from nothing. */
  readonly base: string | undefined
  /** What was passed over, for people. */
  readonly notes: readonly string[]
}

type Variables = Readonly<Record<string, string | undefined>>
type Stage = { readonly name: string; readonly base: string | undefined }

const nothing = 'scratch'
const mostVariables = 1000
const longestValue = 4096

/** Variables that the file does not set are those of `environment`. */
export function imagesOfDockerfile(text: string, environment: Variables): DockerfileImages {
  const images: string[] = []
  const notes: string[] = []
  const stages: Stage[] = []
  // A FROM sees what stands before the first one.
  const global = new Map<string, string>()
  let local = new Map<string, string>()
  const valueOf = (name: string): string | undefined =>
    local.get(name) ?? global.get(name) ?? environment[name]

  const stageNamed = (word: string): Stage | undefined =>
    stages.findLast(({ name }) => name === word.toLowerCase())
  /** Copies know stages by their number, too; a FROM does not. */
  const take = (word: string): void => {
    const stage = stageNamed(word) ?? (/^[0-9]{1,4}$/.test(word) ? stages[Number(word)] : undefined)
    if (word !== '' && stage === undefined && word !== nothing) images.push(word)
  }

  for (const { instruction, words, line } of instructionsOf(text)) {
    if (instruction === 'FROM') {
      const globally = (name: string): string | undefined => global.get(name) ?? valueOf(name)
      const [image = '', as, name] = words
        .filter((word) => !word.startsWith('--'))
        .map((word) => expanded(word, globally))
      if (as !== undefined && (as.toUpperCase() !== 'AS' || name === undefined))
        throw unreadable(`expected stage name after "AS" in line ${quoted(line, 200)}`)
      if (image === '')
        throw unreadable(
          `no image found in line ${quoted(line, 200)} (is a build arg missing from the environment?)`,
        )
      const stage = stageNamed(image)
      if (image === nothing) notes.push('- scratch image ignored')
      else if (stage === undefined) images.push(image)
      else notes.push(`- stage reference ignored: ${image}`)
      const base = stage === undefined ? image : stage.base
      stages.push({ name: (name ?? '').toLowerCase(), base: base === nothing ? undefined : base })
      local = new Map()
    } else if (instruction === 'ARG' || instruction === 'ENV')
      for (const [name, value] of assignments(words, valueOf, instruction === 'ENV')) {
        const scope = stages.length === 0 ? global : local
        scope.set(name, value)
        if (scope.size > mostVariables) throw unreadable(`it sets more than ${mostVariables} variables`)
      }
    else if (instruction === 'COPY' || instruction === 'ADD')
      for (const word of words.filter((each) => each.startsWith('--from=')))
        take(expanded(unquoted(word.slice('--from='.length)), valueOf))
    else if (instruction === 'RUN')
      for (const word of words.filter((each) => each.startsWith('--mount=')))
        for (const part of unquoted(word.slice('--mount='.length)).split(','))
          if (part.startsWith('from=')) take(expanded(part.slice('from='.length), valueOf))
  }
  return { images, base: stages.at(-1)?.base ?? images.at(-1), notes }
}

type Instruction = {
  readonly instruction: string
  readonly words: readonly string[]
  readonly line: string
}

function* instructionsOf(text: string): Generator<Instruction> {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/)
  const escape = escapeOf(lines)
  for (let at = 0; at < lines.length; at++) {
    if (isComment(lines[at])) continue
    let line = ''
    for (; at < lines.length; at++) {
      const piece = lines[at] ?? ''
      // Comments and empty lines do not end an instruction that goes on.
      if (line !== '' && isComment(piece)) continue
      const trimmed = piece.trimEnd()
      if (!trimmed.endsWith(escape)) {
        line += piece
        break
      }
      line += `${trimmed.slice(0, -1)} `
    }
    const [first = '', ...rest] = wordsOf(line)
    const isLater = first.toUpperCase() === 'ONBUILD'
    const instruction = (isLater ? (rest[0] ?? '') : first).toUpperCase()
    const words = isLater ? rest.slice(1) : rest
    yield { instruction, words, line: line.trim() }
    if (['RUN', 'COPY', 'ADD'].includes(instruction))
      for (const word of words) at = endOfHeredoc(word, lines, at)
  }
}

/** The line that ends the heredoc which a word begins; without one, `at`. */
function endOfHeredoc(word: string, lines: readonly string[], at: number): number {
  const [, dash, quoted_] = /^[0-9]{0,3}<<(-?)([^<]{1,100})$/.exec(word) ?? []
  if (quoted_ === undefined) return at
  const name = unquoted(quoted_)
  for (let end = at + 1; end < lines.length; end++)
    if ((dash === '-' ? lines[end]?.replace(/^\t+/, '') : lines[end]) === name) return end
  throw unreadable(`the text that ${quoted(word, 100)} begins has no end`)
}

/** `# escape=`, which stands before everything else. */
function escapeOf(lines: readonly string[]): string {
  for (const line of lines) {
    const [, name, value] = /^\s*#\s*([a-z]+)\s*=\s*(\S+)\s*$/i.exec(line.slice(0, 200)) ?? []
    if (name === undefined) return '\\'
    if (name.toLowerCase() === 'escape') return value === '`' ? '`' : '\\'
  }
  return '\\'
}

function isComment(line: string | undefined): boolean {
  const trimmed = (line ?? '').trimStart()
  return trimmed === '' || trimmed.startsWith('#')
}

/** Between white space that stands in no quotes. */
function wordsOf(line: string): readonly string[] {
  const words: string[] = []
  let word = ''
  let quote = ''
  for (const char of line) {
    if (quote === '' && /\s/.test(char)) {
      if (word !== '') words.push(word)
      word = ''
      continue
    }
    if (char === quote) quote = ''
    else if (quote === '' && (char === '"' || char === "'")) quote = char
    word += char
  }
  return word === '' ? words : [...words, word]
}

function unquoted(word: string): string {
  return word.replaceAll('"', '').replaceAll("'", '')
}

/**
 * `NAME=VALUE …`; of ENV also `NAME VALUE`. An ARG without a value takes what is set outside. What cannot be expanded does
 * no harm until it is part of an image.
 */
function assignments(
  words: readonly string[],
  valueOf: (name: string) => string | undefined,
  isEnv: boolean,
): readonly (readonly [string, string])[] {
  const [name = '', ...rest] = words
  if (isEnv && !name.includes('=')) return [[name, substituted(rest.join(' '), valueOf)]]
  return words.flatMap((word) => {
    const at = word.indexOf('=')
    return at < 1 ? [] : [[word.slice(0, at), substituted(word.slice(at + 1), valueOf)] as const]
  })
}

/** Without quotes; throws where something is left that only a shell could expand. */
function expanded(word: string, valueOf: (name: string) => string | undefined): string {
  const text = substituted(word, valueOf)
  if (text.includes('$')) throw unreadable(`${quoted(word, 200)} cannot be expanded here`)
  return text
}

/** `$NAME`, `${NAME}`, `${NAME:-otherwise}`, `${NAME:+instead}`; what is not set is empty. */
function substituted(word: string, valueOf: (name: string) => string | undefined): string {
  const text = unquoted(word).replace(
    /\$(?:\{([A-Za-z_][A-Za-z0-9_]{0,100})(?::([-+])([^${}]{0,1000}))?\}|([A-Za-z_][A-Za-z0-9_]{0,100}))/g,
    (_match, braced: string | undefined, sign: string | undefined, other = '', plain = '') => {
      const value = valueOf(braced ?? plain)
      if (sign === '+') return value ? other : ''
      return value || (sign === '-' ? other : '')
    },
  )
  // Of values that grow by each other nothing is kept.
  return text.length > longestValue ? '$' : text
}

function unreadable(message: string): CliError {
  return new CliError('unreadable', `failed extracting images from Dockerfile: ${message}`)
}
