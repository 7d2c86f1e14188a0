/**
 * One request to somebody else whose body, or whose answer's body, may be too large to hold: both are
 * streams.
 */
import { Readable } from 'node:stream'
import type { Dispatcher } from 'undici'
import { decodeContent } from './decode-content.ts'
import { dispatcherOf, type Route, rulesOf, type TlsSettings } from './dispatchers.ts'
import { HttpError } from './errors.ts'
import { httpErrorOf } from './request-bounded.ts'

export type ExchangeRequest = {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array | AsyncIterable<Uint8Array>
  /**
   * Between two pieces of a body, in either direction, and from the end of ours to the head of the answer.
   */
  readonly idleTimeoutMs: number
  /** Its reason is thrown as it is. */
  readonly signal?: AbortSignal | undefined
  /** Default: as the environment of this process says. */
  readonly route?: Route | undefined
  readonly tls?: TlsSettings | undefined
}

/** Whoever opens one reads `body` or discards it: until then the connection is taken. */
export type Exchange = {
  readonly status: number
  header(name: string): string | undefined
  /** Without its content codings; throws {@link HttpError}. Read once, and bounded by whoever reads. */
  readonly body: AsyncIterable<Uint8Array>
  discard(): Promise<void>
}

/** What is passed over so that a connection can be used again; beyond it a new one costs less. */
const mostDiscardedBytes = 64 * 1024

/**
 * Resolves when status and headers are there; the size of the whole is not bounded, nor its time while
 * something moves. A redirect is an answer as any other. Throws {@link HttpError}.
 */
export async function openExchange(url: string, exchange: ExchangeRequest): Promise<Exchange> {
  const { method, headers = {}, idleTimeoutMs, route, tls, body } = exchange
  const rules = rulesOf(route)
  const stall = new AbortController()
  const source: { failure?: unknown } = {}
  const given = exchange.signal === undefined ? [] : [exchange.signal]
  const signal = AbortSignal.any([stall.signal, ...given])
  const mapped = (cause: unknown): unknown => {
    if (exchange.signal?.aborted === true) return exchange.signal.reason
    if ('failure' in source) return source.failure
    const isTimeout = stall.signal.aborted || (cause instanceof Error && cause.name.endsWith('TimeoutError'))
    if (!isTimeout) return httpErrorOf(cause, url, idleTimeoutMs, rules)
    return new HttpError('timeout', `nothing moved for ${idleTimeoutMs} ms`, { cause })
  }
  try {
    signal.throwIfAborted()
    const { request } = await import('undici')
    const answer = await request(url, {
      method,
      headers,
      ...(body !== undefined && { body: bodyOf(body, source, idleTimeoutMs, () => stall.abort()) }),
      headersTimeout: idleTimeoutMs,
      bodyTimeout: idleTimeoutMs,
      signal,
      dispatcher: await dispatcherOf(rules, tls),
    })
    const header = (name: string): string | undefined => joined(answer.headers[name.toLowerCase()])
    return {
      status: answer.statusCode,
      header,
      body: readBody(answer, header('content-encoding'), mapped),
      async discard() {
        await answer.body.dump({ limit: mostDiscardedBytes }).catch(() => undefined)
      },
    }
  } catch (cause) {
    throw mapped(cause)
  }
}

function joined(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : value?.join(', ')
}

function bodyOf(
  body: Uint8Array | AsyncIterable<Uint8Array>,
  source: { failure?: unknown },
  idleTimeoutMs: number,
  onStall: () => void,
): Uint8Array | Readable {
  if (body instanceof Uint8Array) return body
  return Readable.from(watched(remembered(body, source), idleTimeoutMs, onStall), { objectMode: false })
}

/** What the source itself throws is nothing of the network's, and reaches the caller as it is. */
async function* remembered(
  body: AsyncIterable<Uint8Array>,
  source: { failure?: unknown },
): AsyncGenerator<Uint8Array> {
  try {
    yield* body
  } catch (failure) {
    source.failure = failure
    throw failure
  }
}

/** Time counts while the peer takes nothing; how long the source needs is its own affair. */
async function* watched(
  pieces: AsyncIterable<Uint8Array>,
  idleTimeoutMs: number,
  onStall: () => void,
): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) {
    const timer = setTimeout(onStall, idleTimeoutMs)
    try {
      yield piece
    } finally {
      clearTimeout(timer)
    }
  }
}

async function* readBody(
  answer: Dispatcher.ResponseData,
  contentEncoding: string | undefined,
  mapped: (cause: unknown) => unknown,
): AsyncGenerator<Uint8Array> {
  try {
    for await (const piece of decodeContent(answer.body, contentEncoding)) yield piece as Uint8Array
  } catch (cause) {
    throw mapped(cause)
  }
}
