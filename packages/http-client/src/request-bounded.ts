/** One request to somebody else, and the whole of its answer: bounded in time and size. */
import { escaped } from '@sigstack/crypto'
import { bodyText } from './body-text.ts'
import { dispatcherOf, type Route, rulesOf, type TlsSettings } from './dispatchers.ts'
import { HttpError, networkReason } from './errors.ts'
import type { ProxyRules } from './proxy-rules.ts'
import { readBounded } from './read-bounded.ts'

export type HttpRequest = {
  readonly method?: 'GET' | 'POST'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
  /** For the whole of it, from the name to the last byte. */
  readonly timeoutMs: number
  /** Of the body, after its content codings. */
  readonly maxBytes: number
  /** Only the status counts: nothing of the body is read. */
  readonly ignoresBody?: boolean
  /** Its reason is thrown as it is. */
  readonly signal?: AbortSignal
  /** Whether a redirect is followed; where not, it is an answer as any other. */
  readonly followRedirects?: boolean
  /** Default: as the environment of this process says. */
  readonly route?: Route | undefined
  readonly tls?: TlsSettings | undefined
}

export type HttpAnswer = {
  readonly status: number
  /** Where the answer came from, after redirects. */
  readonly url: string
  header(name: string): string | undefined
  readonly bytes: Buffer
  /** The body as its mark or content type says, else UTF-8. */
  text(): string
}

/** Throws {@link HttpError}. An answer of any status is an answer. */
export async function requestBounded(url: string, request: HttpRequest): Promise<HttpAnswer> {
  const { method = 'GET', headers = {}, timeoutMs, maxBytes, followRedirects = false } = request
  const deadline = AbortSignal.timeout(timeoutMs)
  const signal = AbortSignal.any(request.signal === undefined ? [deadline] : [deadline, request.signal])
  const rules = rulesOf(request.route)
  try {
    // Loaded by the first request: most commands of the tool make none.
    const { fetch } = await import('undici')
    const response = await fetch(url, {
      method,
      headers,
      ...(request.body !== undefined && { body: request.body }),
      redirect: followRedirects ? 'follow' : 'manual',
      signal,
      dispatcher: await dispatcherOf(rules, request.tls),
    })
    if (request.ignoresBody === true) await response.body?.cancel()
    const body = request.ignoresBody === true ? null : response.body
    const bytes = await readBounded(body as AsyncIterable<Uint8Array> | null, maxBytes)
    const header = (name: string): string | undefined => response.headers.get(name) ?? undefined
    return {
      status: response.status,
      url: response.url,
      header,
      bytes,
      text: () => bodyText(bytes, header('content-type')),
    }
  } catch (cause) {
    throw request.signal?.aborted === true ? request.signal.reason : httpErrorOf(cause, url, timeoutMs, rules)
  }
}

/** A phrase for what `fetch` and its kin throw; what is no trouble of the network is given back as it is. */
export function httpErrorOf(
  cause: unknown,
  url: string,
  timeoutMs: number,
  rules: ProxyRules | undefined,
): unknown {
  if (cause instanceof HttpError) return cause
  if (cause instanceof Error && cause.name === 'TimeoutError')
    return new HttpError('timeout', `no whole answer within ${timeoutMs} ms`, { cause })
  if (!(cause instanceof TypeError) && !(cause instanceof Error && 'code' in cause)) return cause
  const target = URL.parse(url)
  const proxy = target === null ? undefined : rules?.proxyFor(target)
  const way = proxy === undefined ? '' : ` (asked through the proxy ${URL.parse(proxy)?.host})`
  return new HttpError('unreachable', escaped(networkReason(cause), 300) + way, {
    cause,
    throughProxy: proxy !== undefined,
  })
}
