/** Conditions with patterns: apart from the rest, since reading RE2 is most of what a verification would load. */
import { RE2JS } from 're2js'
import { VerificationError } from './errors.ts'
import type { Condition } from './identity-policy.ts'

const longestPattern = 4096

/** Throws `bad_policy` for a pattern that is not RE2, and where there is no condition: it would match everybody or nobody. */
export function identityCondition(wanted: {
  readonly value?: string | undefined
  readonly pattern?: string | undefined
}): Condition {
  const { value, pattern: source } = wanted
  if (!value && !source) throw new VerificationError('bad_policy', 'neither a value nor a pattern is given')
  return { ...(value && { value }), ...(source && { source, pattern: compile(source) }) }
}

function compile(source: string): RE2JS {
  if (source.length > longestPattern)
    throw new VerificationError('bad_policy', `the pattern is longer than ${longestPattern} characters`)
  try {
    return RE2JS.compile(source)
  } catch (cause) {
    const message = 'the pattern is not a regular expression in RE2 syntax'
    throw new VerificationError('bad_policy', message, { cause })
  }
}
