/**
 * Which proxy a request goes through, by HTTP_PROXY, HTTPS_PROXY and NO_PROXY as Go's programs read them
 * (golang.org/x/net/http/httpproxy), so that cosign and this stack go the same ways: the variable that suits the scheme
 * of the URL, in either case; never for this machine itself.
 */
import { BlockList, isIP, isIPv6 } from 'node:net'

export type ProxyRules = {
  /** The proxy's URL, or undefined where the request goes directly. Throws one sentence where it is none. */
  proxyFor(target: URL): string | undefined
}

const variables: Readonly<Record<string, string>> = { 'http:': 'HTTP_PROXY', 'https:': 'HTTPS_PROXY' }

/** A variable that names no proxy is complained of when a request needs it: most stay on their machine. */
export function readProxyRules(environment: Readonly<Record<string, string | undefined>>): ProxyRules {
  const valueOf = (name: string): string => environment[name] || environment[name.toLowerCase()] || ''
  const isExcepted = parseNoProxy(valueOf('NO_PROXY'))
  return {
    proxyFor(target) {
      const name = variables[target.protocol]
      if (name === undefined || valueOf(name) === '') return undefined
      return isThisMachine(target) || isExcepted(target) ? undefined : parseProxy(name, valueOf(name))
    },
  }
}

const schemes = ['http:', 'https:', 'socks5:', 'socks5h:']

/**
 * A URL, or `host:port` of a proxy that speaks HTTP; undefined for the empty text. Throws one sentence that tells `name`;
 * the value may hold a password, so it is not repeated.
 */
export function parseProxy(name: string, value: string): string | undefined {
  const text = value.trim()
  if (text === '') return undefined
  const url = URL.parse(text.includes('://') ? text : `http://${text}`)
  if (url === null || url.hostname === '' || !schemes.includes(url.protocol))
    throw new Error(
      `${name} must be the URL of a proxy (http, https or socks5), such as http://proxy.example.com:3128`,
    )
  // Both leave the names of targets to the proxy.
  return url.protocol === 'socks5h:' ? url.href.replace('socks5h:', 'socks5:') : url.href
}

/** Loopback and unspecified addresses, `localhost`, and what is below it (RFC 6761 section 6.3). */
function isThisMachine(target: URL): boolean {
  const host = hostOf(target)
  if (host === 'localhost' || host.endsWith('.localhost')) return true
  return isIP(host) !== 0 && thisMachine.check(host, isIPv6(host) ? 'ipv6' : 'ipv4')
}

const thisMachine = new BlockList()
thisMachine.addSubnet('127.0.0.0', 8)
thisMachine.addAddress('0.0.0.0')
thisMachine.addAddress('::1', 'ipv6')
thisMachine.addAddress('::', 'ipv6')

type Matches = (host: string, port: string) => boolean

/**
 * Parts between commas or blanks: `*` for everything; an address or a range of them (CIDR); a name with all below it; with a dot
 * or `*.` before it, only what is below. All but ranges may end with a port.
 */
function parseNoProxy(text: string): (target: URL) => boolean {
  const parts = text.toLowerCase().split(/[,\s]/)
  const rules = parts.flatMap((part) => (part === '' ? [] : [ruleOf(part)]))
  return (target) => {
    const port = target.port || (target.protocol === 'https:' ? '443' : '80')
    return rules.some((matches) => matches(hostOf(target), port))
  }
}

function ruleOf(part: string): Matches {
  if (part === '*') return () => true
  const range = rangeOf(part)
  if (range !== undefined) return range
  const { host, port } = splitPort(part)
  const fits = (actual: string): boolean => port === undefined || port === actual
  if (isIP(host) !== 0) {
    const list = new BlockList()
    list.addAddress(host, isIPv6(host) ? 'ipv6' : 'ipv4')
    return (actual, actualPort) => fits(actualPort) && contains(list, actual)
  }
  const pattern = host.startsWith('*.') ? host.slice(1) : host
  if (pattern === '' || pattern === '.') return () => false
  const isBelowOnly = pattern.startsWith('.')
  const name = asciiName(isBelowOnly ? pattern.slice(1) : pattern)
  return (actual, actualPort) =>
    isIP(actual) === 0 &&
    fits(actualPort) &&
    (actual.endsWith(`.${name}`) || (!isBelowOnly && actual === name))
}

function rangeOf(part: string): Matches | undefined {
  const [, address = '', length = ''] = /^([0-9a-f.:]+)\/([0-9]{1,3})$/.exec(part) ?? []
  const family = isIP(address)
  if (family === 0 || Number(length) > (family === 6 ? 128 : 32)) return undefined
  const list = new BlockList()
  list.addSubnet(address, Number(length), family === 6 ? 'ipv6' : 'ipv4')
  return (host) => contains(list, host)
}

/** `host:port` and `[address]:port`; an IPv6 address without brackets has no port. Go takes no brackets without one. */
function splitPort(part: string): { readonly host: string; readonly port: string | undefined } {
  const [, bracketed, bracketedPort] = /^\[([^\]]*)\](?::([0-9]*))?$/.exec(part) ?? []
  if (bracketed !== undefined) return { host: bracketed, port: bracketedPort || undefined }
  const colon = part.indexOf(':')
  if (colon < 0 || part.includes(':', colon + 1)) return { host: part, port: undefined }
  return { host: part.slice(0, colon), port: part.slice(colon + 1) || undefined }
}

function contains(list: BlockList, host: string): boolean {
  return isIP(host) !== 0 && list.check(host, isIPv6(host) ? 'ipv6' : 'ipv4')
}

function asciiName(name: string): string {
  return URL.parse(`http://${name}`)?.hostname ?? name
}

/** Lower case, without brackets and without a dot at its end. */
function hostOf({ hostname }: URL): string {
  return hostname
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '')
}
