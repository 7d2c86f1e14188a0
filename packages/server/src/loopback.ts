/** Whether an address leads to this machine alone. */
import { BlockList, isIP } from 'node:net'

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

/** `host` as settings and URLs write it, with or without brackets. A name other than `localhost` may lead anywhere. */
export function isLoopback(host: string): boolean {
  const address = host.replace(/^\[(.*)\]$/, '$1')
  const family = isIP(address)
  // Mapped addresses (::ffff:127.0.0.1) are compared as the IPv4 address they are.
  if (family !== 0) return loopback.check(address, family === 4 ? 'ipv4' : 'ipv6')
  return /^(.*\.)?localhost\.?$/i.test(address)
}

/** Whether listening on `host` means every address of the machine. */
export function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || (isIP(host) === 6 && /^[0:]+$/.test(host))
}
