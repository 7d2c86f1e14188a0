/** A request by way of a proxy: in plain words for http, in a tunnel for https, or over SOCKS. */
import type { Readable } from 'node:stream'
import type { Dispatcher } from 'undici'
import { type TlsSettings, tlsOptionsOf, usualTls } from './tls-settings.ts'

export type ProxiedRequest = {
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Uint8Array | Readable | undefined
  readonly signal: AbortSignal
  readonly tls?: TlsSettings | undefined
  readonly idle?: { readonly timeoutMs: number }
}

/** Kept by whom they trust and which proxy they go through, and with them the connections. */
const proxies = new WeakMap<TlsSettings, Map<string, Promise<Dispatcher>>>()

async function makeProxy(uri: string, tls: TlsSettings): Promise<Dispatcher> {
  const { ProxyAgent } = await import('undici')
  return new ProxyAgent({ uri, requestTls: tlsOptionsOf(tls) })
}

function proxyOf(uri: string, tls = usualTls): Promise<Dispatcher> {
  const known = proxies.get(tls) ?? new Map<string, Promise<Dispatcher>>()
  proxies.set(tls, known)
  const made = known.get(uri) ?? makeProxy(uri, tls)
  known.set(uri, made)
  return made
}

/** Resolves with the head of the answer; rejects with what the library throws. */
export async function requestThroughProxy(
  url: URL,
  proxy: string,
  given: ProxiedRequest,
): Promise<Dispatcher.ResponseData> {
  const { method, headers, body, signal, tls, idle } = given
  // Loaded by the first: few machines are behind a proxy.
  const { request } = await import('undici')
  return request(url, {
    method: method as Dispatcher.HttpMethod,
    headers,
    ...(body !== undefined && { body }),
    // Without `idle` the signal ends it.
    headersTimeout: idle?.timeoutMs ?? 0,
    bodyTimeout: idle?.timeoutMs ?? 0,
    signal,
    dispatcher: await proxyOf(proxy, tls),
  })
}
