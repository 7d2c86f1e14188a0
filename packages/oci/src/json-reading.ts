/** JSON of registries and their neighbours: bounded, no name twice, unknown members passed over. */
import { isObject, parseStrictJson, quoted, StrictJsonError } from '@sigstack/crypto'
import { OciError, type OciErrorCode } from './errors.ts'

export type JsonObject = Readonly<Record<string, unknown>>

/** What is read, as it is called in messages, and how it is refused. */
export type Subject = { readonly what: string; readonly code: OciErrorCode; readonly mostNames: number }

/** Throws {@link OciError}; messages repeat no value, for some are secrets. */
export function parseObject(input: Uint8Array | string, subject: Subject): JsonObject {
  try {
    return objectOf(parseStrictJson(input, { mostNames: subject.mostNames }), subject)
  } catch (cause) {
    if (!(cause instanceof StrictJsonError)) throw cause
    throw new OciError(subject.code, `${subject.what} cannot be read: ${cause.message}`, { cause })
  }
}

export function objectOf(value: unknown, { what, code }: Subject, path = ''): JsonObject {
  if (!isObject(value))
    throw new OciError(code, `${what} cannot be read: ${path === '' ? 'it' : path} must be an object`)
  return value
}

/** Names of members by their letters, whatever their case. */
export type Spellings = ReadonlyMap<string, string>

export function spellingsOf(names: readonly string[]): Spellings {
  return new Map(names.map((name) => [lettersOf(name), name]))
}

/**
 * Refuses names that differ from a known one in their letter case alone: programs in Go read them as that one
 * (encoding/json), and see other content than we do.
 */
export function refuseOtherSpellings(object: JsonObject, known: Spellings, { what, code }: Subject): void {
  for (const name of Object.keys(object)) {
    const meant = known.get(lettersOf(name))
    if (meant !== undefined && meant !== name)
      throw new OciError(code, `${what} cannot be read: ${quoted(name, 100)} is no way to write ${meant}`)
  }
}

/** Both ways, as `ſ` and the sign of Kelvin are letters of another case, too. */
function lettersOf(name: string): string {
  return name.toUpperCase().toLowerCase()
}

/** Own members only; `null` counts as absent, as in Go. */
export function member(object: JsonObject, name: string): unknown {
  return Object.hasOwn(object, name) ? (object[name] ?? undefined) : undefined
}

export function optionalText(
  object: JsonObject,
  name: string,
  { what, code }: Subject,
  most: number,
): string | undefined {
  const value = member(object, name)
  if (value === undefined) return undefined
  if (typeof value !== 'string') throw new OciError(code, `${what} cannot be read: ${name} must be a text`)
  if (value.length > most)
    throw new OciError(code, `${what} cannot be read: ${name} is longer than ${most} characters`)
  return value
}

export function optionalList(
  object: JsonObject,
  name: string,
  { what, code }: Subject,
  most: number,
): readonly unknown[] | undefined {
  const value = member(object, name)
  if (value === undefined) return undefined
  if (!Array.isArray(value)) throw new OciError(code, `${what} cannot be read: ${name} must be a list`)
  if (value.length > most)
    throw new OciError(code, `${what} cannot be read: ${name} has more than ${most} items`)
  return value
}

/** Texts by name, without a prototype: names are from outside. */
export function optionalTexts(
  object: JsonObject,
  name: string,
  subject: Subject,
): Readonly<Record<string, string>> | undefined {
  const value = member(object, name)
  if (value === undefined) return undefined
  const texts: Record<string, string> = Object.create(null) as Record<string, string>
  for (const [key, text] of Object.entries(objectOf(value, subject, name))) {
    if (typeof text !== 'string')
      throw new OciError(
        subject.code,
        `${subject.what} cannot be read: ${name} has ${quoted(key, 100)}, which is no text`,
      )
    texts[key] = text
  }
  return texts
}
