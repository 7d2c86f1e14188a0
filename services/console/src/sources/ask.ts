/** One question to a service of the stack: bounded in time and size, and told in one sentence where it fails. */
import { escaped, memberAt } from '@sigstack/crypto'
import { type HttpAnswer, HttpError, requestBounded } from '@sigstack/http-client'
import { SourceError } from './errors.ts'

export type Ask = {
  readonly method?: 'GET' | 'POST' | 'DELETE'
  /** Sent as JSON. */
  readonly body?: unknown
  /** Of a service that asks for one: who bears it. */
  readonly token?: string
  readonly timeoutMs?: number
  readonly maxBytes?: number
}

const usual = { timeoutMs: 5_000, maxBytes: 8 * 1024 * 1024 }

/**
 * The answer of `service`, of which `path` begins with a slash. Undefined where it is 404. Throws {@link SourceError} for every other
 * refusal, and where nobody answers.
 */
export async function ask(service: string, path: string, asked: Ask = {}): Promise<HttpAnswer | undefined> {
  const { method = 'GET', body, token, timeoutMs = usual.timeoutMs, maxBytes = usual.maxBytes } = asked
  let answer: HttpAnswer
  try {
    answer = await requestBounded(service.replace(/\/$/, '') + path, {
      method,
      headers: {
        accept: '*/*',
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      timeoutMs,
      maxBytes,
    })
  } catch (cause) {
    if (!(cause instanceof HttpError)) throw cause
    throw new SourceError('unavailable', `the service does not answer: ${cause.message}`, { cause })
  }
  if (answer.status === 404) return undefined
  if (answer.status >= 200 && answer.status < 300) return answer
  const reason = reasonIn(answer)
  // Of this console, and not of who asks it.
  if (answer.status === 401 || answer.status === 403)
    throw new SourceError('unavailable', `the service takes nothing from this console: ${reason}`)
  if (answer.status < 500) throw new SourceError('refused', reason)
  throw new SourceError('unavailable', `the service answers with status ${answer.status}: ${reason}`)
}

/** JSON of an answer; integers beyond those that are exact in JavaScript are bigints. Throws `malformed`. */
export function jsonOf(answer: HttpAnswer): unknown {
  try {
    const text = answer.text()
    // Looking at every value takes several times as long as parsing.
    return longNumber.test(text) ? JSON.parse(text, exactly) : JSON.parse(text)
  } catch (cause) {
    throw new SourceError('malformed', 'the service answers with what is no JSON', { cause })
  }
}

/** Each that may not be exact, and what looks like one in a text. */
const longNumber = /(?:^|[[:,])\s*-?\d{16}/

function exactly(_name: string, value: unknown, context?: { readonly source?: string }): unknown {
  const isRounded = typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value)
  return isRounded && /^-?\d{1,20}$/.test(context?.source ?? '') ? BigInt(context?.source ?? '') : value
}

/** Rekor's and the CA's errors, and problem details. */
function reasonIn(answer: HttpAnswer): string {
  const text = answer.text()
  let told: unknown
  try {
    told = JSON.parse(text)
  } catch {
    return escaped(text, 300)
  }
  const reason = memberAt(told, 'detail') ?? memberAt(told, 'message') ?? memberAt(told, 'title')
  return escaped(typeof reason === 'string' ? reason : text, 300)
}
