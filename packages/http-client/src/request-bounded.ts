/** One request to somebody else, and the whole of its answer: bounded in time and size. */
import { escaped, utf8 } from '@sigstack/crypto'
import { bodyText } from './body-text.ts'
import { decodeContent } from './decode-content.ts'
import { HttpError, networkReason } from './errors.ts'
import type { ProxyRules } from './proxy-rules.ts'
import { readBounded } from './read-bounded.ts'
import { type Route, rulesOf } from './route.ts'
import { type Head, sendRequest } from './send-request.ts'
import type { TlsSettings } from './tls-settings.ts'

export type HttpRequest = {
  readonly method?: 'GET' | 'POST' | 'DELETE'
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
  /**
   * Whether a redirect is followed, wherever it leads and with all headers: so none of them may be a secret. Where not, it
   * is an answer as any other.
   */
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

/** Some servers answer nobody without a name. */
const ownHeaders = { accept: '*/*', 'user-agent': 'sigstack' }

/** Throws {@link HttpError}. An answer of any status is an answer. */
export async function requestBounded(url: string, request: HttpRequest): Promise<HttpAnswer> {
  const { timeoutMs, maxBytes } = request
  // A signal of Node's own with its timer lives until the time is over, long after the answer: a heap of them is dear.
  const deadline = new AbortController()
  const timer = setTimeout(() => deadline.abort(), timeoutMs).unref()
  const signal =
    request.signal === undefined ? deadline.signal : AbortSignal.any([deadline.signal, request.signal])
  const rules = rulesOf(request.route)
  try {
    signal.throwIfAborted()
    const { status, header, body, from } = await follow(new URL(url), request, signal, rules)
    if (request.ignoresBody === true) body.destroy()
    const decoded = request.ignoresBody === true ? null : decodeContent(body, header('content-encoding'))
    const bytes = await readBounded(decoded, maxBytes)
    return { status, url: from.href, header, bytes, text: () => bodyText(bytes, header('content-type')) }
  } catch (cause) {
    if (request.signal?.aborted === true) throw request.signal.reason
    if (deadline.signal.aborted && !(cause instanceof HttpError))
      throw new HttpError('timeout', `no whole answer within ${timeoutMs} ms`, { cause })
    throw httpErrorOf(cause, url, rules)
  } finally {
    clearTimeout(timer)
  }
}

const mostRedirects = 20

async function follow(
  first: URL,
  request: HttpRequest,
  signal: AbortSignal,
  rules: ProxyRules | undefined,
): Promise<Head & { readonly from: URL }> {
  const { method = 'GET', headers = {}, body, tls, followRedirects = false } = request
  let from = first
  for (let redirects = 0; ; redirects++) {
    const sent = {
      method,
      headers: { ...ownHeaders, ...headers },
      body: typeof body === 'string' ? utf8(body) : body,
      signal,
      tls,
    }
    const head = await sendRequest(from, sent, rules)
    const location = head.header('location')
    if (!followRedirects || ![301, 302, 303, 307, 308].includes(head.status) || location === undefined)
      return { ...head, from }
    head.body.destroy()
    const next = URL.parse(location, from.href)
    if (next === null || !/^https?:$/.test(next.protocol) || redirects === mostRedirects)
      throw new HttpError('unreachable', 'it redirects to where nobody can follow')
    from = next
  }
}

/** A phrase for what goes wrong on the way; what is no trouble of the network is given back as it is. */
export function httpErrorOf(cause: unknown, url: string, rules: ProxyRules | undefined): unknown {
  if (cause instanceof HttpError) return cause
  if (!(cause instanceof TypeError) && !(cause instanceof Error && 'code' in cause)) return cause
  const target = URL.parse(url)
  const proxy = target === null ? undefined : rules?.proxyFor(target)
  const way = proxy === undefined ? '' : ` (asked through the proxy ${URL.parse(proxy)?.host})`
  return new HttpError('unreachable', escaped(networkReason(cause), 300) + way, {
    cause,
    throughProxy: proxy !== undefined,
  })
}
