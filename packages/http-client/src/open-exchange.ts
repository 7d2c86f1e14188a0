/**
 * One request to somebody else whose body, or whose answer's body, may be too large to hold: both are
 * streams.
 */
import { Readable } from 'node:stream'
import { decodeContent } from './decode-content.ts'
import { HttpError } from './errors.ts'
import { httpErrorOf } from './request-bounded.ts'
import { type Route, rulesOf } from './route.ts'
import { type Head, sendRequest } from './send-request.ts'
import type { TlsSettings } from './tls-settings.ts'

export type ExchangeRequest = {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array | AsyncIterable<Uint8Array>
  /**
   * For each 16 KiB of the answer's body, or what is left of it; between two pieces of ours; and from the end of ours to
   * the head of the answer. So one byte now and then keeps nobody.
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
 * enough of it moves. A redirect is an answer as any other. Throws {@link HttpError}.
 */
export async function openExchange(url: string, exchange: ExchangeRequest): Promise<Exchange> {
  const { method, headers = {}, idleTimeoutMs, route, tls, body } = exchange
  const rules = rulesOf(route)
  const stall = new AbortController()
  const source: Source = {}
  const given = exchange.signal === undefined ? [] : [exchange.signal]
  const signal = AbortSignal.any([stall.signal, ...given])
  const mapped = (cause: unknown): unknown => {
    if (exchange.signal?.aborted === true) return exchange.signal.reason
    if ('failure' in source) return source.failure
    const isTimeout = stall.signal.aborted || (cause instanceof Error && cause.name.endsWith('TimeoutError'))
    if (!isTimeout) return httpErrorOf(cause, url, rules)
    return new HttpError('timeout', `nothing, or next to nothing, moved for ${idleTimeoutMs} ms`, { cause })
  }
  const onStall = (): void => stall.abort()
  // How long the source needs is its own affair.
  const onIdle = (): void => void (source.isAsked !== true && onStall())
  try {
    signal.throwIfAborted()
    const answer = await sendRequest(
      new URL(url),
      {
        method,
        headers,
        body: body && bodyOf(body, source, idleTimeoutMs, onStall),
        idle: { timeoutMs: idleTimeoutMs, onIdle },
        signal,
        tls,
      },
      rules,
    )
    return {
      status: answer.status,
      header: answer.header,
      body: readBody(answer, idleTimeoutMs, onStall, mapped),
      discard: () => discard(answer.body, idleTimeoutMs),
    }
  } catch (cause) {
    throw mapped(cause)
  }
}

/** The body of ours: whether it is being asked for a piece, and what it threw. */
type Source = { isAsked?: boolean; failure?: unknown }

async function discard(body: Readable, idleTimeoutMs: number): Promise<void> {
  const timer = setTimeout(() => body.destroy(), idleTimeoutMs)
  let bytes = 0
  try {
    for await (const piece of body) {
      bytes += (piece as Uint8Array).length
      if (bytes > mostDiscardedBytes) break
    }
  } catch {
    // Nobody wanted it.
  } finally {
    clearTimeout(timer)
  }
}

function bodyOf(
  body: Uint8Array | AsyncIterable<Uint8Array>,
  source: Source,
  idleTimeoutMs: number,
  onStall: () => void,
): Uint8Array | Readable {
  if (body instanceof Uint8Array) return body
  return Readable.from(taken(asked(body, source), idleTimeoutMs, onStall), { objectMode: false })
}

/** What the source itself throws is nothing of the network's, and reaches the caller as it is. */
async function* asked(body: AsyncIterable<Uint8Array>, source: Source): AsyncGenerator<Uint8Array> {
  source.isAsked = true
  try {
    for await (const piece of body) {
      source.isAsked = false
      yield piece
      source.isAsked = true
    }
  } catch (failure) {
    source.failure = failure
    throw failure
  } finally {
    source.isAsked = false
  }
}

/** Time counts while the peer takes nothing. */
async function* taken(
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

/** Less than that in the time of idleness is as good as nothing. */
const leastBytes = 16 << 10

/** Time counts while the peer is waited for; how long the reader needs is its own affair. */
async function* readBody(
  { body, header }: Head,
  idleTimeoutMs: number,
  onStall: () => void,
  mapped: (cause: unknown) => unknown,
): AsyncGenerator<Uint8Array> {
  try {
    const pieces = decodeContent(body, header('content-encoding'))[Symbol.asyncIterator]()
    let [leftMs, bytes] = [idleTimeoutMs, 0]
    try {
      for (;;) {
        const start = performance.now()
        const timer = setTimeout(onStall, Math.max(1, leftMs))
        const { done, value } = await pieces.next().finally(() => clearTimeout(timer))
        if (done === true) return
        const piece = value as Uint8Array
        leftMs -= performance.now() - start
        bytes += piece.length
        if (bytes >= leastBytes) [leftMs, bytes] = [idleTimeoutMs, 0]
        yield piece
      }
    } finally {
      await pieces.return?.()
    }
  } catch (cause) {
    throw mapped(cause)
  }
}
