/**
 * Text from outside on its way to a person: into a message, a log record, a terminal or a page. Everything here is
 * linear in the length of its input, and what comes out is one line of bounded length without control characters.
 */

const DEFAULT_LIMIT = 200

/**
 * What moves the cursor, ends a line, or makes a line read otherwise than it is stored: control characters, line and
 * paragraph separators, marks of direction (Unicode UAX #9), halves of surrogate pairs, and all that is shown as nothing
 * (Default_Ignorable_Code_Point, UAX #44): two names that differ in those alone look alike.
 */
export const misleadingCharacters =
  /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\ufff9-\ufffb]/gu

/** `text` with its misleading characters as `\uXXXX`, cut after `limit` characters; the cut is shown as `…`. */
export function escaped(text: string, limit = DEFAULT_LIMIT): string {
  return withEscapes(text.slice(0, limit)) + (text.length > limit ? '…' : '')
}

/**
 * A value from outside in a message: quoted, on one line, and short enough to read. Texts are quoted as in JSON, other
 * values are shown as JSON.
 */
export function quoted(value: unknown, limit = DEFAULT_LIMIT): string {
  if (typeof value === 'string')
    return `"${escapedInQuotes(value.slice(0, limit))}${value.length > limit ? '…' : ''}"`
  return escaped(jsonOf(value), limit)
}

/**
 * `text` without what looks like a JSON Web Token (RFC 7519) or an encrypted one (RFC 7516), wherever it stands: tokens
 * end up in other people's messages. Each run of token characters is looked at once, so the time is linear.
 */
export function withoutTokens(text: string): string {
  if (!text.includes('eyJ')) return text
  return text.replace(/[\w.-]+/g, (run) => {
    const start = tokenStart(run)
    return start === undefined ? run : `${run.slice(0, start)}[token]`
  })
}

/** Shorter parts are no header and no payload, but words such as `keyJson.pem`. */
const SHORTEST_PART = 8

function tokenStart(run: string): number | undefined {
  const parts = run.split('.')
  let partStart = 0
  for (const [index, part] of parts.entries()) {
    const next = parts[index + 1]
    // The first one leaves the longest part, so no other needs a look.
    const offset = part.indexOf('eyJ')
    // An encrypted token's second part may be empty.
    const follows = next !== undefined && (next === '' || next.length >= SHORTEST_PART)
    if (offset !== -1 && part.length - offset >= SHORTEST_PART && follows) return partStart + offset
    partStart += part.length + 1
  }
  return undefined
}

/** `1 entry`, and `entries` for every other count, none included. */
export function counted<T extends number | bigint>(
  count: T,
  one: string,
  many: string,
  write: (count: T) => string = String,
): string {
  return `${write(count)} ${BigInt(count) === 1n ? one : many}`
}

function withEscapes(text: string): string {
  return text.replace(misleadingCharacters, (character) => character.split('').map(escapedUnit).join(''))
}

/** Of UTF-16, as JSON has it. */
function escapedUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
}

function escapedInQuotes(text: string): string {
  return withEscapes(text.replace(/["\\]/g, '\\$&'))
}

/** As JSON where it has one: a bigint, a circle or a function has none. */
function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? 'nothing'
  } catch {
    return String(value)
  }
}
