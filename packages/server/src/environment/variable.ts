/** How a service declares its variables: a TypeBox schema for each, with what JSON Schema has no word for beside it. */
import { type TObject, type TSchema, Type } from 'typebox'

export type Environment = Readonly<Record<string, string | undefined>>

type Marks = {
  /** `NAME_FILE` may name a file with the value, and no message shows it. */
  readonly secret?: boolean
  /** Names that it had before; they still count. */
  readonly formerly?: readonly string[]
  /** What a text must be, for the sentence; each schema with a pattern needs one. */
  readonly description?: string
}

/** A variable that may come as `NAME_FILE`. */
export function secret<T extends TSchema>(schema: T): T {
  return { ...schema, secret: true }
}

export const logLevelVariable = Type.Enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], {
  default: 'info',
})

/** 0 takes any free port. */
/** What a service and who asks it both know: it goes into a header. */
export const tokenVariable = () =>
  secret(
    Type.String({
      minLength: 16,
      maxLength: 4096,
      pattern: '^[\\x21-\\x7e]+$',
      description: 'of printable ASCII characters, 16 at least',
    }),
  )

export const portVariable = (options: Readonly<Record<string, unknown>> = {}) =>
  Type.Integer({ minimum: 0, maximum: 65_535, ...options })

export const urlVariable = (options: Readonly<Record<string, unknown>> = {}) =>
  Type.String({
    pattern: '^https?://[^\\s?#]+$',
    maxLength: 2048,
    description: 'an http or https URL without query',
    ...options,
  })

export const pathVariable = (options: Readonly<Record<string, unknown>> = {}) =>
  Type.String({ minLength: 1, maxLength: 4096, ...options })

export function marksOf(schema: TSchema): Marks {
  return schema as Marks
}

/** Every name that `schema` reads, former ones and those of files with secrets too. */
export function variableNames(schema: TObject): readonly string[] {
  return Object.entries(schema.properties).flatMap(([name, variable]) => {
    const { secret: isSecret = false, formerly = [] } = marksOf(variable)
    const names = [name, ...formerly]
    return isSecret ? names.flatMap((each) => [each, `${each}_FILE`]) : names
  })
}

/** Those of them that another has taken the place of. */
export function formerNames(schema: TObject): readonly string[] {
  return Object.values(schema.properties).flatMap((variable) => {
    const { secret: isSecret = false, formerly = [] } = marksOf(variable)
    return isSecret ? formerly.flatMap((name) => [name, `${name}_FILE`]) : formerly
  })
}

/** The parts of a list with commas between, without blanks around them and without empty ones. */
export function listOf(text: string): readonly string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
}
