/** Kinds of addresses, of URLs that name one in the place of a host; a name is not looked up. */
import { BlockList, isIP, isIPv6 } from 'node:net'

const internal = new BlockList()
for (const [network, length] of [
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['127.0.0.0', 8],
  ['0.0.0.0', 8],
] as const)
  internal.addSubnet(network, length)
for (const [network, length] of [
  ['::1', 128],
  ['::', 128],
  ['fc00::', 7],
] as const)
  internal.addSubnet(network, length, 'ipv6')

const linkLocal = new BlockList()
linkLocal.addSubnet('169.254.0.0', 16)
linkLocal.addSubnet('fe80::', 10, 'ipv6')
linkLocal.addAddress('fd00:ec2::254', 'ipv6')

/** Of this machine or a private network. */
export function isInternal(url: URL): boolean {
  return isIn(internal, url)
}

/** Of one link, where machines of clouds ask for their own credentials. */
export function isLinkLocal(url: URL): boolean {
  return isIn(linkLocal, url)
}

/** Addresses of IPv4 count as such in the form of IPv6 too (`::ffff:…`). */
function isIn(list: BlockList, { hostname }: URL): boolean {
  const host = hostname.replace(/^\[(.*)\]$/, '$1')
  return isIP(host) !== 0 && list.check(host, isIPv6(host) ? 'ipv6' : 'ipv4')
}
