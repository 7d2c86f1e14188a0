/** The CT log, asked for a promise by RFC 6962 add-pre-chain (fulcio.md section 2.8). */
import { setTimeout as sleep } from 'node:timers/promises'
import { escaped, type PublicKey, toBase64, withoutEnd } from '@sigstack/crypto'
import { CtError, parseAddChainResponse, type Sct } from '@sigstack/ct'
import type { CtLog } from '../issuance/dependencies.ts'
import { IssuanceError } from '../refusals.ts'
import { createHttpPool, type HttpAnswer } from './http-pool.ts'

export type CtLogClientOptions = {
  /** Base of the log; `/ct/v1/add-pre-chain` follows. */
  readonly url: string
  readonly publicKey: PublicKey
  /** For all attempts together. sigstore-js gives up after 5 s, and must have our answer by then. */
  readonly totalTimeoutMs?: number
}

export type CtLogClient = CtLog & {
  /** Throws unless the log answers requests. */
  probe(): Promise<void>
  close(): Promise<void>
}

const maxAnswerBytes = 64 * 1024
const firstPauseMs = 50
const longestPauseMs = 500
const longestRetryAfterSeconds = 60

export function createCtLogClient(options: CtLogClientOptions): CtLogClient {
  const { url, publicKey, totalTimeoutMs = 3000 } = options
  const pool = createHttpPool(url, maxAnswerBytes)
  const base = withoutEnd(new URL(url).pathname, '/')

  const chainJson = createChainJson()

  async function addPreChain(precertificate: Uint8Array, chain: Chain): Promise<Sct> {
    const body = `{"chain":["${toBase64(precertificate)}"${chainJson(chain)}]}`
    const deadline = performance.now() + totalTimeoutMs
    let pauseMs = firstPauseMs
    for (;;) {
      const outcome = await attempt(body, deadline)
      if ('sct' in outcome) return outcome.sct
      // Jitter, so that many requesters that failed together do not come back together.
      const waitMs = outcome.waitMs ?? pauseMs * (0.5 + Math.random())
      if (!outcome.isTemporary || performance.now() + waitMs >= deadline) throw unavailable(outcome)
      if (waitMs > 0) await sleep(waitMs)
      pauseMs = Math.min(pauseMs * 2, longestPauseMs)
    }
  }

  async function attempt(body: string, deadline: number): Promise<{ sct: Sct } | Failure> {
    const timeoutMs = Math.max(1, Math.ceil(deadline - performance.now()))
    let answer: HttpAnswer
    try {
      answer = await pool.request({ path: `${base}/ct/v1/add-pre-chain`, method: 'POST', body, timeoutMs })
    } catch (cause) {
      return { isTemporary: true, reason: 'the CT log cannot be reached', cause }
    }
    if (answer.status !== 200) return failureOf(answer)
    try {
      return { sct: parseAddChainResponse(answer.text) }
    } catch (cause) {
      if (!(cause instanceof CtError)) throw cause
      return { isTemporary: false, reason: cause.message, cause }
    }
  }

  return {
    publicKey,
    addPreChain,
    async probe() {
      const { status } = await pool.request({ path: `${base}/ct/v1/get-sth`, method: 'GET', timeoutMs: 2000 })
      if (status !== 200) throw new Error(`the CT log answers ${status} to get-sth`)
    },
    close: () => pool.close(),
  }
}

type Chain = Parameters<CtLog['addPreChain']>[1]

/** What follows the precertificate in a submission; encoded once for each chain. */
function createChainJson(): (chain: Chain) => string {
  const encoded = new WeakMap<Chain, string>()
  return (chain) => {
    const known = encoded.get(chain)
    if (known !== undefined) return known
    const json = chain.map(({ der }) => `,"${toBase64(der)}"`).join('')
    encoded.set(chain, json)
    return json
  }
}

type Failure = {
  readonly isTemporary: boolean
  readonly reason: string
  /** When to try again; undefined leaves it to the caller. */
  readonly waitMs?: number | undefined
  readonly cause?: unknown
}

function failureOf({ status, retryAfter, text }: HttpAnswer): Failure {
  const reason = `the CT log answered ${status}`
  // For our log only: the answer of another party is not for the requester.
  const cause = new Error(`${reason}: ${escaped(text, 500)}`)
  if (status === 408) return { isTemporary: true, reason, waitMs: 0, cause }
  const isTemporary = status === 503 || status === 429
  return { isTemporary, reason, waitMs: isTemporary ? retryAfterMs(retryAfter) : undefined, cause }
}

/** Seconds or a date (RFC 9110 section 10.2.3). */
function retryAfterMs(value: string | undefined): number | undefined {
  if (value === undefined) return undefined
  if (/^[0-9]{1,9}$/.test(value)) return Number(value) * 1000
  const at = Date.parse(value)
  return Number.isNaN(at) ? undefined : Math.max(0, at - Date.now())
}

function unavailable({ reason, waitMs, cause }: Failure): IssuanceError {
  const seconds = Math.min(Math.max(1, Math.ceil((waitMs ?? 1000) / 1000)), longestRetryAfterSeconds)
  return new IssuanceError('ct_log_unavailable', reason, { cause, retryAfterSeconds: seconds })
}
