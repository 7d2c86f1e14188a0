/** Which addresses an outgoing request may reach, and how a host name becomes one. */
import { lookup } from 'node:dns/promises'
import ipaddr from 'ipaddr.js'
import { UpstreamError } from './upstream-error.ts'

export type ResolvedAddress = { readonly address: string; readonly family: number }
export type Resolve = (hostname: string) => Promise<readonly ResolvedAddress[]>
export type IsAllowedAddress = (address: string) => boolean

export const resolveWithSystem: Resolve = (hostname) => lookup(hostname, { all: true, verbatim: true })

/**
 * Is it an ordinary address of the public Internet? Private, loopback, link-local, multicast, unique-local,
 * shared (CGNAT) and reserved ranges are not, and neither is an IPv6 address that carries an IPv4 address of
 * such a range, mapped or by a translation prefix (6to4, NAT64, Teredo): a gateway would deliver there.
 */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false
  const parsed = ipaddr.process(address)
  if (parsed.range() !== 'unicast') return false
  // Global unicast is 2000::/3; the library calls what no range claims unicast, `::127.0.0.1` among it.
  return parsed instanceof ipaddr.IPv4 || (parsed.parts[0] ?? 0) >> 13 === 1
}

/** An IP address written in a URL never passes the resolver, so it has to be checked by itself. */
export function checkLiteralAddress(hostname: string, isAllowed: IsAllowedAddress): void {
  const literal = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname
  if (ipaddr.isValid(literal) && !isAllowed(literal)) throw refused(hostname, literal)
}

/** Every address of the name must be allowed: an answer that mixes both kinds is an attack or a mistake. */
export async function resolveAllowed(
  hostname: string,
  resolve: Resolve,
  isAllowed: IsAllowedAddress,
): Promise<readonly ResolvedAddress[]> {
  const addresses = await resolve(hostname)
  if (addresses.length === 0) throw new UpstreamError('unreachable', `${hostname} has no address`)
  for (const { address } of addresses) if (!isAllowed(address)) throw refused(hostname, address)
  return addresses
}

function refused(hostname: string, address: string): UpstreamError {
  const name = hostname.includes(address) ? hostname : `${hostname} leads to ${address}, which`
  return new UpstreamError('address_refused', `${name} is not a public address`, { mayBePermitted: true })
}
