/** How a watch names whom it looks for: a whole text, a glob, or an expression in RE2 syntax that must cover the whole text. */
import { escaped, isObject, quoted, reasonOf } from '@sigstack/crypto'
import { matchesGlob } from '@sigstack/policy'
import { RE2JS } from 're2js'
import { MonitorError } from '../errors.ts'
import { mostSteps } from './expression-size.ts'

/** One member alone is set. */
export type Condition = { readonly exact: string } | { readonly glob: string } | { readonly regex: string }

export type Matches = (text: string) => boolean

const longest = 2_048
/** Enough for any text of that length without repetitions like `{1000}`. Each step has a kilobyte, and is a step for each character. */
const largestExpression = 5_000
/** Of the expressions of all watches that are looked for, which are in memory together. */
export const mostStepsTogether = 100_000

/** Throws `malformed`, which names `what`. */
export function parseCondition(value: unknown, what: string): Condition {
  const members = isObject(value) ? Object.entries(value) : []
  const [first, ...others] = members
  const [form, text] = first ?? []
  if (others.length > 0 || (form !== 'exact' && form !== 'glob' && form !== 'regex'))
    throw bad(what, 'must have one of exact, glob and regex, and nothing else')
  if (typeof text !== 'string' || text === '' || text.length > longest)
    throw bad(`${what}.${form}`, `must be a text of 1 to ${longest} characters`)
  const condition = { [form]: text } as Condition
  compile(condition, what)
  return condition
}

/** Time is linear in the length of the text, or of its product with that of the glob. Throws `malformed` for what is not RE2 or too large. */
export function compile(condition: Condition, what: string): Matches {
  if ('exact' in condition) return (text) => text === condition.exact
  // Too many found is the smaller evil, so a single star goes past a slash too.
  if ('glob' in condition) {
    const glob = condition.glob.replaceAll(/\*+/g, '**')
    return (text) => matchesGlob(glob, text)
  }
  const steps = mostSteps(condition.regex)
  if (steps > largestExpression)
    throw bad(
      what,
      `is an expression of ${steps} steps, with each repetition written out, and may have ${largestExpression}: repeat less, or use a glob`,
    )
  try {
    const pattern = RE2JS.compile(condition.regex)
    return (text) => pattern.matches(text)
  } catch (cause) {
    const [text, reason] = [quoted(condition.regex, 80), escaped(reasonOf(cause), 100)]
    throw new MonitorError('malformed', `${what}.regex: ${text} is no expression in RE2 syntax: ${reason}`, {
      cause,
    })
  }
}

function bad(what: string, why: string): MonitorError {
  return new MonitorError('malformed', `${what} ${why}`)
}
