/**
 * The HTTP proxy that requests to issuers go through where a network lets nothing out otherwise (HTTPS_PROXY and NO_PROXY).
 *
 * Such a proxy resolves the names itself, so the addresses behind them cannot be checked here: that is left to its own rules. What
 * remains here is https, addresses written in URLs, and names that only a local network knows. Issuers that may be on a private network,
 * and those with `connectTo`, never go through it.
 */
import { readSecret } from '@sigstack/server'
import type { IssuerPolicy } from '../issuers/issuer.ts'
import { UpstreamError } from './upstream-error.ts'

export type EgressProxy = {
  /** http: or https:, perhaps with user and password. */
  readonly url: string
  /** Hosts that are asked directly, as NO_PROXY lists them: names with all below them, `host:port`, or `*`. */
  readonly except: string
}

/** Throws one sentence; the URL may hold a password, so it is not repeated. */
export function readEgressProxy(environment: NodeJS.ProcessEnv): EgressProxy | undefined {
  const url = readSecret(environment, 'HTTPS_PROXY') ?? environment.https_proxy
  if (url === undefined || url === '') return undefined
  if (!/^https?:$/.test(URL.parse(url)?.protocol ?? '')) {
    throw new Error('HTTPS_PROXY must be an http or https URL, such as http://proxy.example.com:3128')
  }
  return { url, except: environment.NO_PROXY ?? environment.no_proxy ?? '' }
}

export function goesThroughProxy(policy: IssuerPolicy, target: URL, { except }: EgressProxy): boolean {
  if (target.protocol !== 'https:' || policy.allowPrivateNetwork || policy.connectTo !== undefined)
    return false
  const host = nameOf(target)
  const port = target.port === '' ? '443' : target.port
  return !except.split(/[,\s]+/).some((entry) => {
    const [, pattern = '', onlyPort = port] = /^(.+?)(?::(\d+))?$/.exec(entry.toLowerCase()) ?? []
    const name = pattern.replace(/^\*?\./, '')
    return (
      onlyPort === port && (pattern === '*' || (name !== '' && (host === name || host.endsWith(`.${name}`))))
    )
  })
}

const localZones = ['localhost', 'local', 'internal', 'home.arpa']

/** A proxy inside the network would find these there. Throws {@link UpstreamError}. */
export function checkPublicName(target: URL): void {
  const host = nameOf(target)
  const isLocal = !host.includes('.') || localZones.some((zone) => host.endsWith(`.${zone}`))
  if (isLocal && !host.startsWith('['))
    throw new UpstreamError(
      'address_refused',
      `${host} is a name of a local network, which is not asked for through the proxy; set allowPrivateNetwork for this issuer if it is meant to be there`,
    )
}

function nameOf({ hostname }: URL): string {
  return hostname.toLowerCase().replace(/\.$/, '')
}
