/**
 * Addresses of clients, as sockets and proxies give them. One that came as text is parsed or it is none: what proxies write into
 * `X-Forwarded-For` may have a port, brackets, quotes or a zone, may be `unknown` or made up (RFC 7239 section 6), and one address has
 * many spellings, of which only the canonical one may be compared.
 */

import { isIPv4, isIPv6 } from 'node:net'
import { quoted } from '@sigstack/crypto'
import { LimitsError } from './errors.ts'

export type Address = {
  /** As RFC 5952 would have it but for the zeros, which are not left out; of an IPv4 address mapped into IPv6 the IPv4 one. */
  readonly text: string
  readonly family: 4 | 6
  /** Whoever has one IPv6 address has the 2^64 of its network: what is counted is this, not the address. */
  readonly network: string
}

/** Longer is no address in any spelling: 45 characters, brackets, quotes, port and zone. */
const longestText = 120

/** `undefined` for what is no address, and for none: that of a connection that is gone. */
export function parseAddress(text: string | undefined): Address | undefined {
  const bits = parseBits(text)
  return bits === undefined ? undefined : addressOf(bits)
}

/** All clients whose address cannot be read: they are counted as one, so that nobody gains by being among them. */
const unknownNetwork = 'unknown'

const mappedText = '::ffff:'

/** What an address counts as: itself, of IPv6 its network of 64 bits, or `unknown`. */
export function networkOf(text: string | undefined = ''): string {
  // As sockets tell them, and only in their one spelling.
  const plain = text.startsWith(mappedText) ? text.slice(mappedText.length) : text
  return isIPv4(plain) ? plain : (parseAddress(text)?.network ?? unknownNetwork)
}

export type AddressRanges = {
  /** `undefined` where the text is no address, and so neither inside nor outside. */
  has(text: string): boolean | undefined
}

const namedRanges: Readonly<Record<string, readonly string[]>> = {
  loopback: ['127.0.0.0/8', '::1'],
  linklocal: ['169.254.0.0/16', 'fe80::/10'],
  uniquelocal: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'],
}

/**
 * Addresses and ranges such as `10.0.0.0/8` or `2001:db8::/32`, or `loopback`, `linklocal` and `uniquelocal`. Throws LimitsError
 * `bad_address`. Looking one up takes the same time however many there are.
 */
export function parseRanges(texts: readonly string[]): AddressRanges {
  // By family and length of the prefix, the prefixes.
  const prefixes = new Map<
    string,
    { readonly family: 4 | 6; readonly drop: bigint; readonly set: Set<bigint> }
  >()
  for (const text of texts.flatMap((name) => namedRanges[name] ?? [name])) {
    const { family, value, length } = parseRange(text)
    const drop = BigInt(widthOf[family] - length)
    const kept = prefixes.get(`${family}/${length}`) ?? { family, drop, set: new Set() }
    prefixes.set(`${family}/${length}`, kept)
    kept.set.add(value >> drop)
  }
  return {
    has: (text) => {
      const bits = parseBits(text)
      if (bits === undefined) return undefined
      for (const { family, drop, set } of prefixes.values())
        if (family === bits.family && set.has(bits.value >> drop)) return true
      return false
    },
  }
}

/** For a frame that asks of each hop, from the nearest on, whether it may speak for the one before it. */
export function trustedProxies(ranges: readonly string[]): (address: string) => boolean {
  const trusted = parseRanges(ranges)
  return (address) => trusted.has(address) === true
}

/** Addresses and ranges with commas between, each of which is one. Throws as {@link parseRanges}, with `name` in front. */
export function parseRangeList(text: string, name: string): readonly string[] {
  const ranges = text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
  try {
    parseRanges(ranges)
  } catch (error) {
    if (!(error instanceof LimitsError)) throw error
    throw new LimitsError(error.code, `${name}: ${error.message}`)
  }
  return ranges
}

type Bits = { readonly family: 4 | 6; readonly value: bigint }

const widthOf = { 4: 32, 6: 128 } as const
const mappedPrefix = 0xffffn

function parseBits(text = ''): Bits | undefined {
  if (text.length > longestText) return undefined
  const plain = withoutPort(unquoted(text.trim()))
  if (plain === undefined) return undefined
  if (isIPv4(plain)) return { family: 4, value: valueOfIPv4(plain) }
  if (!isIPv6(plain)) return undefined
  const value = valueOfIPv6(plain)
  return value >> 32n === mappedPrefix ? { family: 4, value: value & 0xffffffffn } : { family: 6, value }
}

function unquoted(text: string): string {
  return text.length > 1 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text
}

/** An IPv6 address has a port only behind brackets. A zone names an interface of the other side, and says nothing here. */
function withoutPort(text: string): string | undefined {
  const [, bracketed, afterBracket] = /^\[([^\]]*)\](.*)$/.exec(text) ?? []
  if (bracketed !== undefined)
    return isPort(afterBracket) && isIPv6(withoutZone(bracketed)) ? withoutZone(bracketed) : undefined
  const [host = '', port, ...more] = text.split(':')
  if (port === undefined || more.length > 0) return withoutZone(text)
  return isPort(`:${port}`) && isIPv4(host) ? host : undefined
}

function isPort(text = ''): boolean {
  if (text === '') return true
  const number = /^:(\d{1,5})$/.exec(text)?.[1]
  // RFC 7239 section 6.3: or a name that hides it.
  return number === undefined ? /^:_[A-Za-z0-9._-]+$/.test(text) : Number(number) <= 65_535
}

function withoutZone(text: string): string {
  const at = text.indexOf('%')
  return at === -1 || !isIPv6(text.slice(0, at)) ? text : text.slice(0, at)
}

function valueOfIPv4(text: string): bigint {
  return text.split('.').reduce((value, part) => (value << 8n) | BigInt(part), 0n)
}

function valueOfIPv6(text: string): bigint {
  const dotted = /\d{1,3}(?:\.\d{1,3}){3}$/.exec(text)?.[0]
  const tail = dotted === undefined ? '' : valueOfIPv4(dotted).toString(16).padStart(8, '0')
  const groups =
    dotted === undefined ? text : `${text.slice(0, -dotted.length)}${tail.slice(0, 4)}:${tail.slice(4)}`
  const [left = '', right] = groups.split('::')
  const head = left === '' ? [] : left.split(':')
  const end = right === undefined || right === '' ? [] : right.split(':')
  const zeros = Array.from({ length: 8 - head.length - end.length }, () => '0')
  return [...head, ...zeros, ...end].reduce((value, group) => (value << 16n) | BigInt(`0x${group}`), 0n)
}

function addressOf({ family, value }: Bits): Address {
  if (family === 4) {
    const text = [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 0xffn).join('.')
    return { text, family, network: text }
  }
  const groups = Array.from({ length: 8 }, (_, i) => ((value >> BigInt(112 - 16 * i)) & 0xffffn).toString(16))
  return { text: groups.join(':'), family, network: `${groups.slice(0, 4).join(':')}::/64` }
}

function parseRange(text: string): Bits & { readonly length: number } {
  const [address = '', length, surplus] = text.split('/')
  const isPlain = isIPv4(address) || isIPv6(address)
  const bits = isPlain && surplus === undefined ? parseBits(address) : undefined
  if (bits === undefined || (length !== undefined && !/^\d{1,3}$/.test(length))) throw badRange(text)
  const written = length === undefined ? undefined : Number(length)
  // A prefix of a mapped address counts the 96 bits in front.
  const inFront = bits.family === 4 && isIPv6(address) ? 96 : 0
  const kept = written === undefined ? widthOf[bits.family] : written - inFront
  if (kept < 0 || kept > widthOf[bits.family]) throw badRange(text)
  return { ...bits, length: kept }
}

function badRange(text: string): LimitsError {
  return new LimitsError('bad_address', `${quoted(text, 100)} is no address or range like 10.0.0.0/8`)
}
