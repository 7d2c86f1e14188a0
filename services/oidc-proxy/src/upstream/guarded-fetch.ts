/**
 * GET of a JSON document from an issuer, in a way that cannot be turned against our own network.
 *
 * https only (plain http only to the issuer's own host where its entry allows it); addresses are checked,
 * and the connection goes to the very address that was checked, because the check happens in the resolver
 * that the socket itself uses: a name that answers differently the next time (DNS rebinding) wins nothing.
 * Redirects stay on their host. Time and size are bounded. Where the network has an egress proxy, egress.ts says what is left of this.
 */
import { type Dispatcher, request } from 'undici'
import type { Issuer } from '../issuers/issuer.ts'
import {
  checkLiteralAddress,
  type IsAllowedAddress,
  isPublicAddress,
  type Resolve,
  resolveWithSystem,
} from './addresses.ts'
import { createDirectAgent, createProxyAgent } from './dispatchers.ts'
import { checkPublicName, type EgressProxy, goesThroughProxy } from './egress.ts'
import { UpstreamError } from './upstream-error.ts'

export type GuardedFetchLimits = {
  readonly connectTimeoutMs: number
  readonly totalTimeoutMs: number
  readonly maxRedirects: number
}

export const defaultLimits: GuardedFetchLimits = {
  connectTimeoutMs: 3000,
  totalTimeoutMs: 10_000,
  maxRedirects: 3,
}

export type GuardedFetch = {
  /** The body's text, which is a JSON object of at most `maxBytes`. Throws {@link UpstreamError}. */
  readObject(issuer: Issuer, url: string, maxBytes: number): Promise<string>
  stop(): Promise<void>
}

export type GuardedFetchOptions = {
  readonly limits?: Partial<GuardedFetchLimits>
  readonly resolve?: Resolve
  readonly isAllowedAddress?: IsAllowedAddress
  /** Undefined: issuers are asked directly. */
  readonly proxy?: EgressProxy
}

export function createGuardedFetch(options: GuardedFetchOptions = {}): GuardedFetch {
  const limits = { ...defaultLimits, ...options.limits }
  const resolve = options.resolve ?? resolveWithSystem
  const isAllowedAddress = options.isAllowedAddress ?? isPublicAddress
  const { proxy } = options
  // One agent or two for each entry of the issuer list, so their number is bounded by the configuration.
  const direct = new Map<Issuer['entry'], Dispatcher>()
  const proxied = new Map<Issuer['entry'], Dispatcher>()
  const stopped = new AbortController()

  const addressRuleOf = (issuer: Issuer): IsAllowedAddress =>
    issuer.entry.allowPrivateNetwork ? () => true : isAllowedAddress

  function dispatcherFor(issuer: Issuer, target: URL): Dispatcher {
    const { entry } = issuer
    const isProxied = proxy !== undefined && goesThroughProxy(entry, target, proxy)
    if (isProxied) checkPublicName(target)
    const agents = isProxied ? proxied : direct
    const existing = agents.get(entry)
    if (existing !== undefined) return existing
    const agent = isProxied
      ? createProxyAgent(entry, limits, proxy)
      : createDirectAgent(entry, limits, resolve, addressRuleOf(issuer))
    agents.set(entry, agent)
    return agent
  }

  async function readObject(issuer: Issuer, url: string, maxBytes: number): Promise<string> {
    const signal = AbortSignal.any([AbortSignal.timeout(limits.totalTimeoutMs), stopped.signal])
    const allowed = addressRuleOf(issuer)
    let target = checkUrl(issuer, url)
    for (let redirects = 0; ; redirects++) {
      checkLiteralAddress(target.hostname, allowed)
      const response = await request(target, {
        dispatcher: dispatcherFor(issuer, target),
        signal,
        headers: {
          accept: 'application/json',
          'accept-encoding': 'identity',
          'user-agent': 'sigstack-oidc-proxy',
        },
      })
      // Whoever reads the body sees its errors; after an early end nobody does, and none may be left unheard.
      response.body.on('error', () => undefined)
      if (![301, 302, 303, 307, 308].includes(response.statusCode))
        return await readJsonObject(response, target, maxBytes)
      response.body.destroy()
      if (redirects === limits.maxRedirects) {
        throw new UpstreamError('redirect_refused', `${url} redirects more than ${limits.maxRedirects} times`)
      }
      target = checkRedirect(issuer, target, response.headers.location)
    }
  }

  return {
    async readObject(issuer, url, maxBytes) {
      try {
        return await readObject(issuer, url, maxBytes)
      } catch (error) {
        throw asUpstreamError(error, url, limits)
      }
    },
    async stop() {
      stopped.abort(new UpstreamError('unreachable', 'the proxy is stopping'))
      await Promise.all([...direct.values(), ...proxied.values()].map((agent) => agent.destroy()))
    },
  }
}

/** A URL taken from configuration or from a discovery document, parsed, or a refusal. */
export function checkUrl(issuer: Issuer, url: string): URL {
  const parsed = URL.parse(url)
  if (parsed === null)
    throw new UpstreamError('url_refused', `${JSON.stringify(url.slice(0, 200))} is not a URL`)
  if (parsed.username !== '' || parsed.password !== '') {
    throw new UpstreamError('url_refused', `${parsed.host}: a URL with credentials is not fetched`)
  }
  const ownHost = parsed.host === URL.parse(issuer.url)?.host
  const permitted =
    parsed.protocol === 'https:' || (parsed.protocol === 'http:' && issuer.entry.allowHttp && ownHost)
  if (!permitted) {
    throw new UpstreamError(
      'url_refused',
      `${parsed.protocol}//${parsed.host} is not fetched: https is required (allowHttp permits http to the issuer's own host)`,
    )
  }
  return parsed
}

function checkRedirect(issuer: Issuer, from: URL, location: string | string[] | undefined): URL {
  const to = typeof location === 'string' ? URL.parse(location, from.href) : null
  if (to === null) throw new UpstreamError('redirect_refused', `${from.host} redirects to no valid URL`)
  if (to.host !== from.host || to.protocol !== from.protocol) {
    throw new UpstreamError('redirect_refused', `${from.origin} redirects to another host, ${to.origin}`)
  }
  return checkUrl(issuer, to.href)
}

async function readJsonObject(
  response: Dispatcher.ResponseData,
  url: URL,
  maxBytes: number,
): Promise<string> {
  if (response.statusCode !== 200) {
    response.body.destroy()
    throw new UpstreamError(
      'bad_status',
      `${url.href} answered with status ${response.statusCode} instead of 200`,
    )
  }
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    size += chunk.length
    // Leaving the loop destroys the stream and with it the connection.
    if (size > maxBytes) throw new UpstreamError('too_large', `${url.href} is larger than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks))
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return text
  } catch (cause) {
    throw new UpstreamError('not_json', `${url.href} is not valid JSON`, { cause })
  }
  throw new UpstreamError('not_json', `${url.href} is not a JSON object`)
}

function asUpstreamError(error: unknown, url: string, limits: GuardedFetchLimits): UpstreamError {
  if (error instanceof UpstreamError) return error
  const { name, code } = error as { name?: string; code?: string }
  const timedOut =
    name === 'TimeoutError' ||
    ['UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT'].includes(code ?? '')
  if (timedOut) {
    return new UpstreamError(
      'timeout',
      `${url} did not answer in time (connecting ${limits.connectTimeoutMs} ms, whole request ${limits.totalTimeoutMs} ms)`,
      { cause: error },
    )
  }
  const reason = error instanceof Error ? error.message : String(error)
  return new UpstreamError(
    'unreachable',
    `${url} cannot be reached: ${reason || code || 'connection failed'}`,
    { cause: error },
  )
}
