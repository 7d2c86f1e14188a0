/** One CT log, asked for a promise by RFC 6962 add-pre-chain (fulcio.md section 2.8). */
import { setTimeout as sleep } from 'node:timers/promises'
import { escaped, withoutEnd } from '@sigstack/crypto'
import { CtError, parseAddChainResponse, type Sct } from '@sigstack/ct'
import { createHttpPool, type HttpAnswer } from './http-pool.ts'

export type CtLogClient = {
  /**
   * Sends a body of add-pre-chain, again where that helps.
   * @param deadline On the clock of `performance.now()`, for all attempts together.
   */
  submit(body: string, deadline: number): Promise<{ readonly sct: Sct } | CtLogFailure>
  /** Throws unless the log answers requests. */
  probe(): Promise<void>
  close(): Promise<void>
}

export type CtLogFailure = {
  /** `closed`: it takes nothing from anybody; `refused`: it does not take this; `away`: it does not answer as it should. */
  readonly kind: 'closed' | 'refused' | 'away'
  readonly reason: string
  /** Whether trying again soon may help. */
  readonly isTemporary: boolean
  /** When to try again; undefined leaves it to the caller. */
  readonly waitMs?: number | undefined
  readonly cause?: unknown
}

const maxAnswerBytes = 64 * 1024
const firstPauseMs = 50
const longestPauseMs = 500

/** @param url Base of the log; `/ct/v1/add-pre-chain` follows. */
export function createCtLogClient(url: string): CtLogClient {
  const pool = createHttpPool(url, maxAnswerBytes)
  const base = withoutEnd(new URL(url).pathname, '/')

  async function submit(body: string, deadline: number): Promise<{ sct: Sct } | CtLogFailure> {
    let pauseMs = firstPauseMs
    for (;;) {
      const outcome = await attempt(body, deadline)
      if ('sct' in outcome) return outcome
      // Jitter, so that many requesters that failed together do not come back together.
      const waitMs = outcome.waitMs ?? pauseMs * (0.5 + Math.random())
      if (!outcome.isTemporary || performance.now() + waitMs >= deadline) return outcome
      if (waitMs > 0) await sleep(waitMs)
      pauseMs = Math.min(pauseMs * 2, longestPauseMs)
    }
  }

  async function attempt(body: string, deadline: number): Promise<{ sct: Sct } | CtLogFailure> {
    const timeoutMs = Math.max(1, Math.ceil(deadline - performance.now()))
    let answer: HttpAnswer
    try {
      answer = await pool.request({ path: `${base}/ct/v1/add-pre-chain`, method: 'POST', body, timeoutMs })
    } catch (cause) {
      return { kind: 'away', isTemporary: true, reason: 'the CT log cannot be reached', cause }
    }
    if (answer.status !== 200) return failureOf(answer)
    try {
      return { sct: parseAddChainResponse(answer.text) }
    } catch (cause) {
      if (!(cause instanceof CtError)) throw cause
      return { kind: 'away', isTemporary: false, reason: cause.message, cause }
    }
  }

  return {
    submit,
    async probe() {
      const { status } = await pool.request({ path: `${base}/ct/v1/get-sth`, method: 'GET', timeoutMs: 2000 })
      if (status !== 200) throw new Error(`the CT log answers ${status} to get-sth`)
    },
    close: () => pool.close(),
  }
}

/** Of a log that is frozen or read-only, or is not there any more. */
const closedStatuses: ReadonlySet<number> = new Set([403, 404, 405, 410])

function failureOf({ status, retryAfter, text }: HttpAnswer): CtLogFailure {
  const reason = `the CT log answered ${status}`
  // For our log only: the answer of another party is not for the requester.
  const cause = new Error(`${reason}: ${escaped(text, 500)}`)
  if (closedStatuses.has(status)) return { kind: 'closed', isTemporary: false, reason, cause }
  if (status === 408) return { kind: 'away', isTemporary: true, reason, waitMs: 0, cause }
  const isTemporary = status === 503 || status === 429
  if (isTemporary) return { kind: 'away', isTemporary, reason, waitMs: retryAfterMs(retryAfter), cause }
  return { kind: status >= 500 ? 'away' : 'refused', isTemporary, reason, cause }
}

/** Seconds or a date (RFC 9110 section 10.2.3). */
function retryAfterMs(value: string | undefined): number | undefined {
  if (value === undefined) return undefined
  if (/^[0-9]{1,9}$/.test(value)) return Number(value) * 1000
  const at = Date.parse(value)
  return Number.isNaN(at) ? undefined : Math.max(0, at - Date.now())
}
