/** Questions to logs: bounded in time and size, and every way to fail is a {@link FollowError}. */
import { isObject, parseUtf8 } from '@sigstack/crypto'
import { type HttpAnswer, networkReason, requestBounded } from '@sigstack/http-client'
import { FollowError } from './errors.ts'

export type Asked = {
  readonly bytes: Buffer
  /** Of the Date header, milliseconds since the epoch; undefined where there is none. */
  readonly dateMs: number | undefined
}

export type AskOptions = {
  readonly signal: AbortSignal
  readonly maxBytes?: number
  /** A question that is asked by POST, as JSON. */
  readonly question?: unknown
}

const timeoutMs = 20_000
const defaultMaxBytes = 1_048_576

/** Undefined for 404: there is nothing of the kind yet. Throws `unreachable`. */
export async function askFor(url: string, options: AskOptions): Promise<Asked | undefined> {
  const { signal, maxBytes = defaultMaxBytes, question } = options
  let answer: HttpAnswer
  try {
    answer = await requestBounded(url, {
      timeoutMs,
      maxBytes,
      signal,
      headers: {
        'accept-encoding': 'gzip',
        ...(question !== undefined && { 'content-type': 'application/json' }),
      },
      ...(question !== undefined && { method: 'POST' as const, body: JSON.stringify(question) }),
    })
  } catch (cause) {
    if (signal.aborted) throw cause
    throw new FollowError('unreachable', `${url} does not answer: ${networkReason(cause)}`, { cause })
  }
  if (answer.status === 404) return undefined
  if (answer.status !== 200) throw new FollowError('unreachable', `${url} answers ${answer.status}`)
  const date = Date.parse(answer.header('date') ?? '')
  return { bytes: answer.bytes, dateMs: Number.isNaN(date) ? undefined : date }
}

/** Throws `unreachable`, for 404 too. */
export async function demand(url: string, options: AskOptions): Promise<Asked> {
  const asked = await askFor(url, options)
  if (asked === undefined) throw new FollowError('unreachable', `${url} answers 404`)
  return asked
}

/** Throws `unreachable`, and `bad_answer` for what is no UTF-8. */
export async function demandText(
  url: string,
  options: AskOptions,
): Promise<Asked & { readonly text: string }> {
  const asked = await demand(url, options)
  const text = parseUtf8(asked.bytes)
  if (text === undefined) throw badAnswer(url, 'it is no UTF-8')
  return { ...asked, text }
}

/** Throws `unreachable`, and `bad_answer` for what is no JSON object. */
export async function demandJson(
  url: string,
  options: AskOptions,
): Promise<Asked & { readonly json: Readonly<Record<string, unknown>> }> {
  const { json, ...asked } = await demandAnyJson(url, options)
  if (!isObject(json)) throw badAnswer(url, 'it is no JSON object')
  return { ...asked, json }
}

/** Throws `unreachable`, and `bad_answer` for what is no JSON array. */
export async function demandList(
  url: string,
  options: AskOptions,
): Promise<Asked & { readonly list: readonly unknown[] }> {
  const { json, ...asked } = await demandAnyJson(url, options)
  if (!Array.isArray(json)) throw badAnswer(url, 'it is no JSON array')
  return { ...asked, list: json }
}

async function demandAnyJson(url: string, options: AskOptions): Promise<Asked & { readonly json: unknown }> {
  const { text, ...asked } = await demandText(url, options)
  try {
    return { ...asked, json: JSON.parse(text) }
  } catch (cause) {
    throw badAnswer(url, 'it is no JSON', cause)
  }
}

export function badAnswer(url: string, why: string, cause?: unknown): FollowError {
  return new FollowError('bad_answer', `what ${url} answers cannot be used: ${why}`, { cause })
}
