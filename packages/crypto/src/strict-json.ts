/**
 * JSON from outside, read more strictly than `JSON.parse` reads it: UTF-8 only, bounded in depth and in names, and no name
 * twice in one object. Two readers of a repeated name may each see another value, and one of them decides who somebody is.
 */
import type { JsonValue } from './canonical-json.ts'
import { quoted } from './text.ts'

export class StrictJsonError extends Error {
  override readonly name = 'StrictJsonError'
}

export type StrictJsonBounds = {
  /** Names of members in all objects together: each is kept and compared. */
  readonly mostNames: number
}

const deepestNesting = 64
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Throws {@link StrictJsonError}; the message never repeats more of the input than a name. */
export function parseStrictJson(input: Uint8Array | string, bounds: StrictJsonBounds): JsonValue {
  const text = typeof input === 'string' ? input : decode(input)
  // First, because it stops at a bound where `JSON.parse` would build whatever it is given.
  assertNames(text, bounds)
  return parseJson(text) as JsonValue
}

function decode(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes)
  } catch (cause) {
    throw new StrictJsonError('the text is not UTF-8', { cause })
  }
}

const quote = 0x22
const backslash = 0x5c

/**
 * One pass over a text that need not be JSON. Only strings and brackets are looked at, and strings are jumped over by
 * searching for their end: most of a request is one long text.
 */
function assertNames(text: string, { mostNames }: StrictJsonBounds): void {
  const objects: (Set<string> | undefined)[] = []
  let count = 0
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
        if (++count > mostNames) throw new StrictJsonError(`the JSON holds more than ${mostNames} names`)
        const raw = text.slice(at, end + 1)
        const name = raw.includes('\\') ? String(parseJson(raw)) : raw.slice(1, -1)
        if (names.has(name)) throw new StrictJsonError(`the name ${quoted(name, 100)} occurs twice`)
        names.add(name)
      }
      at = end
    }
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new StrictJsonError('the text is not JSON', { cause })
  }
}

function endOfText(text: string, start: number): number {
  let end = text.indexOf('"', start + 1)
  while (end >= 0 && isEscaped(text, end)) end = text.indexOf('"', end + 1)
  if (end < 0) throw new StrictJsonError('the text is not JSON')
  return end
}

/** Each backslash is looked at for the one quotation mark behind it. */
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
