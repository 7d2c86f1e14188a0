/**
 * The HTTP proxy that requests to issuers go through where a network lets nothing out otherwise (HTTPS_PROXY and NO_PROXY).
 *
 * Such a proxy resolves the names itself, so the addresses behind them cannot be checked here: that is left to its own rules. What
 * remains here is https, addresses written in URLs, and names that only a local network knows. Issuers that may be on a private network,
 * and those with `connectTo`, never go through it.
 */
import { reasonOf } from '@sigstack/crypto'
import { type ProxyRules, parseProxy, readProxyRules } from '@sigstack/http-client'
import { readSecret } from '@sigstack/server'
import type { IssuerPolicy } from '../issuers/issuer.ts'
import { UpstreamError } from './upstream-error.ts'

/** Undefined where no proxy is named. One that is none is complained of when an issuer is asked through it. */
export function readEgressProxy(environment: NodeJS.ProcessEnv): ProxyRules | undefined {
  const proxy = egressVariable(environment)
  return proxy === '' ? undefined : readProxyRules({ ...environment, HTTPS_PROXY: proxy })
}

/** Throws one sentence where the variable names no proxy; its value may hold a password, so it is not repeated. */
export function checkEgressProxy(environment: NodeJS.ProcessEnv): void {
  parseProxy('HTTPS_PROXY', egressVariable(environment))
}

function egressVariable(environment: NodeJS.ProcessEnv): string {
  return readSecret(environment, 'HTTPS_PROXY') ?? environment.https_proxy ?? ''
}

/** The URL of the proxy on the way to `target`; undefined where it is asked directly. Throws {@link UpstreamError}. */
export function proxyOf(
  policy: IssuerPolicy,
  target: URL,
  rules: ProxyRules | undefined,
): string | undefined {
  if (target.protocol !== 'https:' || policy.allowPrivateNetwork || policy.connectTo !== undefined)
    return undefined
  try {
    return rules?.proxyFor(target)
  } catch (cause) {
    throw new UpstreamError('unreachable', reasonOf(cause), { cause })
  }
}

const localZones = ['localhost', 'local', 'internal', 'home.arpa']

/** A proxy inside the network would find these there. Throws {@link UpstreamError}. */
export function checkPublicName(target: URL): void {
  const host = target.hostname.toLowerCase().replace(/\.$/, '')
  const isLocal = !host.includes('.') || localZones.some((zone) => host.endsWith(`.${zone}`))
  if (isLocal && !host.startsWith('['))
    throw new UpstreamError(
      'address_refused',
      `${host} is a name of a local network, which is not asked for through the proxy`,
      { mayBePermitted: true },
    )
}
