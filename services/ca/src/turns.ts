/**
 * How many issuances are under way at once, and who waits. Each has 3 s for the CT log, and its client gives up after 5 s: where more come
 * than can be made, and all were begun, all would be late, and what was done for them in vain. So they wait before it is begun, and who
 * has waited too long is refused. Not sooner: some come again at once, and refusing these would be all that is done.
 */
import { createTurnstile, type Turnstile, type TurnstileOptions } from '@sigstack/limits/turnstile'
import { IssuanceError } from './refusals.ts'

/** More at once are no faster: the CT log writes what comes together anyway. */
const places = 64
/** Of one network half as many. They hold a body and a token each, some 10 kB. */
const queue = 8_192
const longestWaitMs = 3_000

export function createTurns(options: Partial<TurnstileOptions> = {}): Turnstile {
  return createTurnstile({ places, queue, longestWaitMs, onFull: tooBusy, ...options })
}

export function tooBusy(): IssuanceError {
  return new IssuanceError(
    'too_busy',
    'more certificates are asked for than can be made in time; try again shortly',
  )
}
