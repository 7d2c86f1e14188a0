/**
 * JSON as Go's encoder writes it, where bytes are compared, hashed or signed: characters that HTML minds
 * are escaped.
 */
import type { JsonValue } from './canonical-json.ts'

export function goJson(value: JsonValue): string {
  return JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** As Go writes a map: by the names in the order of their bytes. */
export function sortedMembers<Value>(
  members: Readonly<Record<string, Value>>,
): Readonly<Record<string, Value>> {
  return Object.fromEntries(
    Object.entries(members).toSorted(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
  )
}
