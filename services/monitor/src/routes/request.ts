/** What requests carry, as values. */
import { MonitorError } from '../errors.ts'

export type Query = { readonly Querystring: Readonly<Record<string, unknown>> }

/** One value of a parameter. Throws `malformed` for one that comes twice. */
export function textOf(query: Query['Querystring'], name: string): string | undefined {
  const value = query[name]
  if (value === undefined || typeof value === 'string') return value
  throw new MonitorError('malformed', `${name} may be given once`)
}

/** Several with commas between, each one of `known`. Throws `malformed`. */
export function wordsOf<Word extends string>(
  query: Query['Querystring'],
  name: string,
  known: readonly Word[],
): readonly Word[] | undefined {
  const text = textOf(query, name)
  if (text === undefined) return undefined
  const words = text.split(',')
  const found = known.filter((word) => words.includes(word))
  if (found.length !== words.length)
    throw new MonitorError('malformed', `${name} must list some of ${known.join(', ')}, each once`)
  return found
}

/** A person and an issuer of the console's, and the word between them. */
const longestBy = 520
const longestNote = 2_000

/** Who acts, as the caller says: the token is one, people are many. Throws `malformed`. */
export function parseBy(value: unknown): string {
  if (value === undefined) return 'api'
  return lineOf(value, 'by', longestBy)
}

export function parseNote(value: unknown): string {
  return value === undefined || value === '' ? '' : lineOf(value, 'note', longestNote)
}

function lineOf(value: unknown, what: string, longest: number): string {
  // Line feeds and tabs are of notes.
  // oxlint-disable-next-line no-control-regex -- the database keeps no NUL
  if (typeof value !== 'string' || value === '' || value.length > longest || /[\u0000]/.test(value))
    throw new MonitorError('malformed', `${what} must be a text of 1 to ${longest} characters`)
  if (!value.isWellFormed()) throw new MonitorError('malformed', `${what} is no Unicode text`)
  return value
}
