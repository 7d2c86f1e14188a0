/** What can be told of a value of which nothing is known: something that was thrown, or JSON from outside. */

/** What an error says, and of anything else that was thrown its text. */
export function reasonOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}

/** The code by which Node, the database and most packages tell their errors apart, if this is an error that has one. */
export function errorCode(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error) || !('code' in thrown)) return undefined
  const { code } = thrown
  return typeof code === 'string' || typeof code === 'number' ? String(code) : undefined
}

/** Whether it has members with names: a list has none. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What stands at the path, or undefined. Own members only: `constructor` and its like are not in the JSON. */
export function memberAt(value: unknown, ...path: readonly (string | number)[]): unknown {
  let at = value
  for (const name of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, name)) return undefined
    at = (at as Readonly<Record<string | number, unknown>>)[name]
  }
  return at
}
