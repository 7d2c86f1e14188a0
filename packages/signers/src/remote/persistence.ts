/** Time limits and second tries for requests that may be sent twice. */
import { setTimeout as sleep } from 'node:timers/promises'
import { isPassing, SignerError } from '../errors.ts'

const maxTries = 4
const firstPauseMs = 50

/**
 * Tries until it works, the trouble is of a lasting kind, or `timeoutMs` are over. One try gets at most half of that time, so
 * that a connection that has died unnoticed costs no request. Settles in time even where `attempt` does not heed its signal.
 */
export async function persistently<T>(
  uri: string,
  timeoutMs: number,
  attempt: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const end = performance.now() + timeoutMs
  for (let tries = 1; ; tries++) {
    const limitMs = Math.min(timeoutMs / 2, end - performance.now())
    try {
      return await within(limitMs, attempt, () => tooSlow(uri, timeoutMs))
    } catch (error) {
      const pauseMs = firstPauseMs * 2 ** (tries - 1) * (1 + Math.random())
      if (!isPassing(error) || tries === maxTries || performance.now() + pauseMs >= end) throw error
      await sleep(pauseMs)
    }
  }
}

function tooSlow(uri: string, timeoutMs: number): SignerError {
  return new SignerError('too_slow', `${uri} does not answer within ${timeoutMs} ms`)
}

async function within<T>(
  limitMs: number,
  attempt: (signal: AbortSignal) => Promise<T>,
  complaint: () => SignerError,
): Promise<T> {
  const controller = new AbortController()
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    reject(complaint())
    controller.abort()
  }, limitMs)
  try {
    return await Promise.race([attempt(controller.signal), late])
  } finally {
    clearTimeout(timer)
  }
}
