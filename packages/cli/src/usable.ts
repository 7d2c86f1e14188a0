import { reasonOf } from '@sigstack/crypto'
import { CliError } from './errors.ts'

/** What `parse` reads of what is at `location`. Throws `bad_trust`. */
export function usable<Value>(location: string, parse: () => Value): Value {
  try {
    return parse()
  } catch (cause) {
    throw new CliError('bad_trust', `${location} cannot be used: ${reasonOf(cause)}`, { cause })
  }
}
