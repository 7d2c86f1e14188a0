/**
 * JSON from outside, read more strictly than `JSON.parse` reads it: UTF-8 only, bounded in depth, and no name twice in one
 * object. Two readers of a repeated name may each see another value, and one of them decides who somebody is.
 */
import type { JsonValue } from '@sigstack/crypto'

export class StrictJsonError extends Error {
  override readonly name = 'StrictJsonError'
}

const deepestNesting = 64
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Throws {@link StrictJsonError}; the message never repeats more of the input than a name. */
export function parseStrictJson(bytes: Uint8Array): JsonValue {
  let text: string
  try {
    text = decoder.decode(bytes)
  } catch (cause) {
    throw new StrictJsonError('the text is not UTF-8', { cause })
  }
  let value: JsonValue
  try {
    value = JSON.parse(text) as JsonValue
  } catch (cause) {
    throw new StrictJsonError('the text is not JSON', { cause })
  }
  assertNamesAreUnique(text)
  return value
}

const quote = 0x22
const backslash = 0x5c

/**
 * One pass over text that is JSON by now, so only strings and brackets need looking at. Texts are jumped over by searching
 * for their end: most of a request is one long text.
 */
function assertNamesAreUnique(text: string): void {
  const objects: (Set<string> | undefined)[] = []
  for (let at = 0; at < text.length; at++) {
    const character = text.charCodeAt(at)
    if (character === 0x7b || character === 0x5b) {
      if (objects.length === deepestNesting) throw new StrictJsonError('the JSON is nested too deeply')
      objects.push(character === 0x7b ? new Set() : undefined)
    } else if (character === 0x7d || character === 0x5d) objects.pop()
    else if (character === quote) {
      const end = endOfText(text, at)
      const names = objects.at(-1)
      if (names !== undefined && isName(text, end)) {
        const raw = text.slice(at, end + 1)
        const name = raw.includes('\\') ? String(JSON.parse(raw)) : raw.slice(1, -1)
        if (names.has(name))
          throw new StrictJsonError(`the name ${JSON.stringify(name.slice(0, 100))} occurs twice`)
        names.add(name)
      }
      at = end
    }
  }
}

function endOfText(text: string, start: number): number {
  let end = text.indexOf('"', start + 1)
  while (isEscaped(text, end)) end = text.indexOf('"', end + 1)
  return end
}

function isEscaped(text: string, at: number): boolean {
  let backslashes = 0
  while (text.charCodeAt(at - 1 - backslashes) === backslash) backslashes++
  return backslashes % 2 === 1
}

function isName(text: string, end: number): boolean {
  let next = end + 1
  while (' \t\r\n'.includes(text[next] ?? 'x')) next++
  return text[next] === ':'
}
