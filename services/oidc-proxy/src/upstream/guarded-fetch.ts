/**
 * GET of a JSON document from an issuer, in a way that cannot be turned against our own network.
 *
 * https only (plain http only to the issuer's own host where its entry allows it); addresses are checked,
 * and the connection goes to the very address that was checked, because the check happens in the resolver
 * that the socket itself uses: a name that answers differently the next time (DNS rebinding) wins nothing.
 * Redirects stay on their host. Time and size are bounded. Where the network has an egress proxy, egress.ts says what is left of this.
 */
import { isObject, NestingError, parseBoundedJson, quoted } from '@sigstack/crypto'
import {
  bodyText,
  decodeContent,
  HttpError,
  networkReason,
  type ProxyRules,
  readBounded,
} from '@sigstack/http-client'
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
import { checkPublicName, proxyOf } from './egress.ts'
import { createServiceAccount, type ServiceAccount } from './service-account.ts'
import { UpstreamError } from './upstream-error.ts'

export type GuardedFetchLimits = {
  readonly connectTimeoutMs: number
  readonly totalTimeoutMs: number
  readonly maxRedirects: number
}

const defaultLimits: GuardedFetchLimits = {
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
  readonly proxy?: ProxyRules
  readonly serviceAccount?: ServiceAccount
}

type DirectAgent = { readonly agent: Dispatcher; readonly clusterCa: string | undefined }

export function createGuardedFetch(options: GuardedFetchOptions = {}): GuardedFetch {
  const limits = { ...defaultLimits, ...options.limits }
  const resolve = options.resolve ?? resolveWithSystem
  const isAllowedAddress = options.isAllowedAddress ?? isPublicAddress
  const { proxy } = options
  const serviceAccount = options.serviceAccount ?? createServiceAccount()
  // One agent or two for each entry of the issuer list, so their number is bounded by the configuration.
  const direct = new Map<Issuer['entry'], DirectAgent>()
  const proxied = new Map<Issuer['entry'], Dispatcher>()
  const stopped = new AbortController()

  const addressRuleOf = (issuer: Issuer): IsAllowedAddress =>
    issuer.entry.allowPrivateNetwork ? () => true : isAllowedAddress

  async function dispatcherFor(issuer: Issuer, target: URL): Promise<Dispatcher> {
    const { entry } = issuer
    const through = proxyOf(entry, target, proxy)
    if (through !== undefined) {
      checkPublicName(target)
      const agent = proxied.get(entry) ?? createProxyAgent(entry, limits, through)
      proxied.set(entry, agent)
      return agent
    }
    const clusterCa = await serviceAccount.caFor(issuer)
    const known = direct.get(entry)
    if (known?.clusterCa === clusterCa && known !== undefined) return known.agent
    // The cluster has another CA now; begun requests go on.
    if (known !== undefined) known.agent.close().catch(() => undefined)
    const agent = createDirectAgent(entry, limits, resolve, addressRuleOf(issuer), clusterCa)
    direct.set(entry, { agent, clusterCa })
    return agent
  }

  async function readObject(issuer: Issuer, url: string, maxBytes: number): Promise<string> {
    const signal = AbortSignal.any([AbortSignal.timeout(limits.totalTimeoutMs), stopped.signal])
    const allowed = addressRuleOf(issuer)
    let target = checkUrl(issuer, url)
    for (let redirects = 0; ; redirects++) {
      checkLiteralAddress(target.hostname, allowed)
      const token = await serviceAccount.tokenFor(issuer, target)
      const response = await request(target, {
        dispatcher: await dispatcherFor(issuer, target),
        signal,
        // No `accept`, as Go's clients send none: whatever is JSON will do, whatever it is called.
        headers: {
          'accept-encoding': 'gzip',
          'user-agent': 'sigstack-oidc-proxy',
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
        },
      })
      // Whoever reads the body sees its errors; after an early end nobody does, and none may be left unheard.
      response.body.on('error', () => undefined)
      if ([401, 403].includes(response.statusCode) && issuer.entry.serviceAccountToken)
        throw refusedByCluster(response, target, token !== undefined)
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
      await Promise.all(
        [...[...direct.values()].map(({ agent }) => agent), ...proxied.values()].map((agent) =>
          agent.destroy(),
        ),
      )
    },
  }
}

/** A URL taken from configuration or from a discovery document, parsed, or a refusal. */
export function checkUrl(issuer: Issuer, url: string): URL {
  const parsed = URL.parse(url)
  if (parsed === null) throw new UpstreamError('url_refused', `${quoted(url)} is not a URL`)
  if (parsed.username !== '' || parsed.password !== '') {
    throw new UpstreamError('url_refused', `${parsed.host}: a URL with credentials is not fetched`)
  }
  const ownHost = parsed.host === URL.parse(issuer.url)?.host
  const permitted =
    parsed.protocol === 'https:' || (parsed.protocol === 'http:' && issuer.entry.allowHttp && ownHost)
  if (!permitted) {
    throw new UpstreamError(
      'url_refused',
      `${parsed.protocol}//${parsed.host} is not fetched: https is required`,
      { mayBePermitted: parsed.protocol === 'http:' && ownHost },
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

function refusedByCluster(
  { statusCode, body }: Dispatcher.ResponseData,
  { href }: URL,
  hadToken: boolean,
): UpstreamError {
  body.destroy()
  const why = hadToken
    ? ' to the service account token of this pod'
    : "; no service account token was sent, because there is none here or this is not the issuer's own host"
  return new UpstreamError('bad_status', `${href} answered with status ${statusCode}${why}`)
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
  const text = await readText(response, url, maxBytes)
  try {
    if (isObject(parseBoundedJson(text))) return text
  } catch (cause) {
    const why = cause instanceof NestingError ? 'nested too deeply' : 'not valid JSON'
    throw new UpstreamError('not_json', `${url.href} is ${why}`, { cause })
  }
  throw new UpstreamError('not_json', `${url.href} is not a JSON object`)
}

/** The body as its headers say it is to be read; `maxBytes` counts what it is after unpacking. */
async function readText(
  { body, headers }: Dispatcher.ResponseData,
  url: URL,
  maxBytes: number,
): Promise<string> {
  const coding = headers['content-encoding']
  try {
    const bytes = await readBounded(decodeContent(body, coding), maxBytes)
    return bodyText(bytes, [headers['content-type']].flat()[0])
  } catch (cause) {
    if (cause instanceof HttpError && cause.code === 'too_large')
      throw new UpstreamError('too_large', `${url.href} is larger than ${maxBytes} bytes`, { cause })
    if (coding === undefined || isTimeout(cause)) throw cause
    const reason = `Content-Encoding is ${quoted(coding)}: ${networkReason(cause)}`
    throw new UpstreamError('not_json', `${url.href} cannot be unpacked, ${reason}`, { cause })
  } finally {
    body.destroy()
  }
}

function asUpstreamError(error: unknown, url: string, limits: GuardedFetchLimits): UpstreamError {
  if (error instanceof UpstreamError) return error
  if (isTimeout(error)) {
    return new UpstreamError(
      'timeout',
      `${url} did not answer in time (connecting ${limits.connectTimeoutMs} ms, whole request ${limits.totalTimeoutMs} ms)`,
      { cause: error },
    )
  }
  const reason = error instanceof Error && error.message !== '' ? error.message : networkReason(error)
  return new UpstreamError('unreachable', `${url} cannot be reached: ${reason}`, { cause: error })
}

function isTimeout(error: unknown): boolean {
  const { name, code } = error as { name?: string; code?: string }
  return (
    name === 'TimeoutError' ||
    ['UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT'].includes(code ?? '')
  )
}
