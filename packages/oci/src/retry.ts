/** Patience with registries: what is worth trying again, and when. */
import { setTimeout } from 'node:timers/promises'
import { HttpError } from '@sigstack/http-client'
import type { OciError } from './errors.ts'

export type Patience = {
  /** How often a step is tried in all. */
  readonly attempts: number
  /** Before the second attempt; each further one waits twice as long. */
  readonly firstDelayMs: number
  /** A registry that asks for more is not waited for. */
  readonly longestDelayMs: number
  readonly delay: (ms: number, signal?: AbortSignal) => Promise<unknown>
}

export const usualPatience: Patience = {
  attempts: 4,
  firstDelayMs: 500,
  longestDelayMs: 60_000,
  delay: (ms, signal) => setTimeout(ms, undefined, signal === undefined ? {} : { signal }),
}

const passingStatuses: readonly number[] = [408, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524]

export function isPassingStatus(status: number): boolean {
  return passingStatuses.includes(status)
}

/** Trouble that may be over at the next attempt, with what the registry said of when. */
export class PassingTrouble extends Error {
  override readonly name = 'PassingTrouble'
  readonly error: OciError
  readonly retryAfterMs: number | undefined
  constructor(error: OciError, retryAfterMs?: number) {
    super(error.message, { cause: error })
    this.error = error
    this.retryAfterMs = retryAfterMs
  }
}

/**
 * Runs `step` until it does not throw {@link PassingTrouble}; after the last attempt its {@link OciError} is
 * thrown.
 */
export async function withPatience<T>(
  patience: Patience,
  signal: AbortSignal | undefined,
  step: (attempt: number) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await step(attempt)
    } catch (error) {
      if (!(error instanceof PassingTrouble)) throw error
      const backoffMs = patience.firstDelayMs * 2 ** (attempt - 1)
      const waitMs = Math.max(backoffMs, error.retryAfterMs ?? 0)
      if (attempt >= patience.attempts || waitMs > patience.longestDelayMs) throw error.error
      await patience.delay(waitMs, signal).catch((cause: unknown) => {
        throw signal?.aborted === true ? signal.reason : cause
      })
    }
  }
}

/** RFC 9110 section 10.2.3: seconds, or a date. */
export function retryAfterMs(header: string | undefined, now: Date): number | undefined {
  const text = (header ?? '').trim()
  if (/^[0-9]{1,9}$/.test(text)) return Number(text) * 1000
  const at = text.length > 40 ? Number.NaN : Date.parse(text)
  return Number.isNaN(at) ? undefined : Math.max(0, at - now.getTime())
}

/** What has not reached the registry, or was cut off; a certificate that is not taken stays so. */
export function isPassingHttpError(error: unknown, isCertificateTrouble: boolean): error is HttpError {
  if (!(error instanceof HttpError) || isCertificateTrouble) return false
  return error.code !== 'too_large' && error.code !== 'offline'
}
