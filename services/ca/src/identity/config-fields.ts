/** Reading of a configuration whose shape nobody promised. */

/** Stops the start. The message begins with Fulcio's own sentence where it has one, and names the issuer. */
export class IssuerConfigError extends Error {
  override readonly name = 'IssuerConfigError'
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
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new IssuerConfigError(`${what} must be a list of names and values`)
  return value as Fields
}

export function member(fields: Fields, yamlName: string, jsonName: string): unknown {
  return Object.hasOwn(fields, yamlName)
    ? fields[yamlName]
    : Object.hasOwn(fields, jsonName)
      ? fields[jsonName]
      : undefined
}
