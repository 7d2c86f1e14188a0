/**
 * The images that a Dockerfile builds upon or copies from, as BuildKit finds them: continued lines, heredocs, stages by
 * name and number. What cannot be read is an error, since an image that is overlooked is one that nobody verifies.
 */
import { escaped, quoted } from '@sigstack/crypto'
import { readDockerfile, unreadable, wordsOf } from './dockerfile-lines.ts'

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

  const { instructions, escape, syntax } = readDockerfile(text)
  if (syntax !== undefined) notes.push(`- not verified: ${escaped(syntax, 200)}, which reads this file`)
  for (const { name: instruction, flags, rest, line } of instructions) {
    if (instruction === 'FROM') {
      const globally = (name: string): string | undefined => global.get(name) ?? valueOf(name)
      const [image = '', as, name, surplus] = rest
        .split(/[\t\v\f\r ]+/)
        .map((word) => expanded(word, globally))
      const isStage = as?.toUpperCase() === 'AS' && name !== undefined && surplus === undefined
      if (as !== undefined && !isStage)
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
      for (const [name, value] of assignments(wordsOf(rest, escape), valueOf, instruction === 'ENV')) {
        const scope = stages.length === 0 ? global : local
        scope.set(name, value)
        if (scope.size > mostVariables) throw unreadable(`it sets more than ${mostVariables} variables`)
      }
    else if (instruction === 'COPY' || instruction === 'ADD')
      for (const from of valuesOf(flags, 'from')) take(expanded(from, valueOf))
    else if (instruction === 'RUN')
      for (const mount of valuesOf(flags, 'mount'))
        for (const from of sourcesOf(mount)) take(expanded(from, valueOf))
  }
  return { images, base: stages.at(-1)?.base ?? images.at(-1), notes }
}

/** Of each flag of the name. */
function valuesOf(flags: readonly string[], name: string): readonly string[] {
  const start = `--${name}=`
  return flags.filter((flag) => flag.startsWith(start)).map((flag) => flag.slice(start.length))
}

/** `from` of a mount, however its letters are written. */
function sourcesOf(mount: string): readonly string[] {
  if (mount.includes('"')) throw unreadable(`there are quotes in the mount ${quoted(mount, 200)}`)
  return mount.split(',').flatMap((part) => {
    const [, value] = /^from=(.*)$/i.exec(part) ?? []
    return value === undefined ? [] : [value]
  })
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
  // What is escaped, or stands between single quotes, is for a builder to expand.
  if (/[\\`]/.test(word) || (word.includes('$') && word.includes("'"))) return '$'
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
