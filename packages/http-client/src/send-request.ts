/** The one way out: past a proxy or through it, as the rules have it for each URL, so also after a redirect. */
import type { IncomingHttpHeaders } from 'node:http'
import type { Readable } from 'node:stream'
import { type DirectRequest, requestDirectly } from './direct-request.ts'
import { requestThroughProxy } from './proxied-request.ts'
import type { ProxyRules } from './proxy-rules.ts'
import { demandConnections } from './without-connections.ts'

export type Head = {
  readonly status: number
  /** Several of one name are joined by commas. */
  header(name: string): string | undefined
  /** As it came. Whoever opened it reads it to its end or destroys it. */
  readonly body: Readable
}

/**
 * Every request passes here, so here they are refused where none may be made. Rejects with what Node or the
 * library throws.
 */
export async function sendRequest(
  url: URL,
  request: DirectRequest,
  rules: ProxyRules | undefined,
): Promise<Head> {
  demandConnections()
  const proxy = rules?.proxyFor(url)
  if (proxy !== undefined) {
    const { statusCode, headers, body } = await requestThroughProxy(url, proxy, request)
    return headOf(statusCode, headers, body)
  }
  const answer = await requestDirectly(url, request)
  return headOf(answer.statusCode ?? 0, answer.headers, answer)
}

function headOf(status: number, headers: IncomingHttpHeaders, body: Readable): Head {
  // Whoever reads hears of it; where it is destroyed unread, nobody is to.
  body.on('error', () => undefined)
  return { status, header: (name) => joined(headers[name.toLowerCase()]), body }
}

function joined(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : value?.join(', ')
}
