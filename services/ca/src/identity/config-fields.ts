/** Reading of a configuration whose shape nobody promised. */
import { isObject, quoted } from '@sigstack/crypto'

/** Stops the start. The message begins with Fulcio's own sentence where it has one, and names the issuer. */
export class IssuerConfigError extends Error {
  override readonly name = 'IssuerConfigError'
}

/** A member in its two spellings, that of YAML and that of JSON. */
export type MemberName = readonly [yamlName: string, jsonName: string]

/**
 * A member that is misspelt would be passed over, and with it a policy. Both spellings at once are a member that stands
 * there twice.
 */
export function assertKnownMembers(fields: Fields, known: readonly MemberName[], owner: string): void {
  const names = new Set(known.flat())
  const unknown = Object.keys(fields).find((name) => !names.has(name))
  if (unknown !== undefined)
    throw new IssuerConfigError(
      `${owner} has a member ${quoted(unknown, 100)}, which nobody knows; there are ${known.map(([name]) => name).join(', ')}`,
    )
  const twice = known.find(
    ([yamlName, jsonName]) =>
      yamlName !== jsonName && Object.hasOwn(fields, yamlName) && Object.hasOwn(fields, jsonName),
  )
  if (twice !== undefined)
    throw new IssuerConfigError(`${owner} has both ${twice.join(' and ')}, which are the same member`)
}

export type Fields = Readonly<Record<string, unknown>>

export function stringMap(value: unknown, owner: string): ReadonlyMap<string, string> {
  if (value === undefined || value === null) return new Map()
  return new Map(
    Object.entries(asFields(value, `a list of values of ${owner}`)).map(([name, entry]) => {
      if (typeof entry !== 'string')
        throw new IssuerConfigError(
          `the value ${name} of ${owner} must be a text; put it into quotation marks`,
        )
      return [name, entry]
    }),
  )
}

export function asFields(value: unknown, what: string): Fields {
  if (!isObject(value)) throw new IssuerConfigError(`${what} must be a list of names and values`)
  return value
}

export function member(fields: Fields, yamlName: string, jsonName: string): unknown {
  return Object.hasOwn(fields, yamlName)
    ? fields[yamlName]
    : Object.hasOwn(fields, jsonName)
      ? fields[jsonName]
      : undefined
}
