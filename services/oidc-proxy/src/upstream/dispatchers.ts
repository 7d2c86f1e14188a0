/** How requests to one issuer travel: directly, to an address that was checked, or through the proxy of the network. */
import { rootCertificates } from 'node:tls'
import { callbackify } from 'node:util'
import { Agent, type Dispatcher, ProxyAgent } from 'undici'
import type { IssuerEntry } from '../issuers/issuer.ts'
import { type IsAllowedAddress, type Resolve, resolveAllowed } from './addresses.ts'
import type { GuardedFetchLimits } from './guarded-fetch.ts'

const resolveChecked = callbackify(resolveAllowed)

/** Its sockets go to the very address that was checked. */
export function createDirectAgent(
  entry: IssuerEntry,
  limits: GuardedFetchLimits,
  resolve: Resolve,
  allowed: IsAllowedAddress,
  clusterCa?: string,
): Dispatcher {
  const { connectTo, url } = entry
  const hostToResolve = (hostname: string): string =>
    connectTo !== undefined && hostname === URL.parse(url)?.hostname ? connectTo : hostname
  return new Agent({
    ...common(limits),
    connect: {
      ...tlsOf(entry, clusterCa),
      timeout: limits.connectTimeoutMs,
      lookup(hostname, lookupOptions, done) {
        resolveChecked(hostToResolve(hostname), resolve, allowed, (error, addresses) => {
          if (error !== null) done(error, '', 0)
          else if (lookupOptions.all === true) done(null, [...addresses])
          else done(null, addresses[0]?.address ?? '', addresses[0]?.family)
        })
      },
    },
  })
}

/** TLS is with the issuer, through a tunnel: the proxy sees the name and nothing else. */
export function createProxyAgent(entry: IssuerEntry, limits: GuardedFetchLimits, proxy: string): Dispatcher {
  return new ProxyAgent({
    ...common(limits),
    uri: proxy,
    connectTimeout: limits.connectTimeoutMs,
    proxyTls: { timeout: limits.connectTimeoutMs },
    requestTls: tlsOf(entry),
  })
}

const common = ({ totalTimeoutMs }: GuardedFetchLimits) =>
  ({ connections: 4, pipelining: 1, headersTimeout: totalTimeoutMs, bodyTimeout: totalTimeoutMs }) as const

const tlsOf = ({ caCertificate }: IssuerEntry, clusterCa?: string) => {
  const own = [caCertificate, clusterCa].filter((ca) => ca !== undefined)
  return { minVersion: 'TLSv1.2', ...(own.length > 0 && { ca: [...rootCertificates, ...own] }) } as const
}
