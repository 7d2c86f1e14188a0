/**
 * URIs as they stand in a certificate: what Go's net/url makes of a text when it parses and prints it, because clients
 * compare with what Fulcio writes. The scheme is lower-cased, path and fragment are escaped where they must be; nothing
 * else changes: not the case of the host, no slash after a bare host, no default port removed. The WHATWG `URL` does all
 * of that.
 *
 * Refused, where Go prints it: what readers may take for another identity than the one that was compared. That is dot
 * segments and control characters, plain or escaped, and characters that no URI holds and that Go leaves as they are.
 */
import { quoted } from '@sigstack/crypto'
import { IssuanceError } from '../refusals.ts'

export type UriName = {
  readonly scheme: string
  /** Without port; empty for URIs without authority. */
  readonly hostname: string
  /** The whole, printed. */
  readonly text: string
}

type Refuse = (why: string) => Error

/** What a part of a URI may hold. */
type Part = {
  /** A part of these alone stays as it is. */
  readonly valid: RegExp
  /** Where one character is out of place, Go decodes the whole part and escapes all but these bytes. */
  readonly kept: RegExp
}

const path: Part = {
  valid: /^(?:[A-Za-z0-9\-_.~!$&'()*+,;=:@/[\]]|%[0-9A-Fa-f]{2})*$/,
  kept: /[A-Za-z0-9\-_.~$&+,/:;=@]/,
}
const fragment: Part = {
  valid: /^(?:[A-Za-z0-9\-_.~!$&'()*+,;=:@/?[\]]|%[0-9A-Fa-f]{2})*$/,
  kept: /[A-Za-z0-9\-_.~!$&()*+,/:;=?@]/,
}
const user: Part = { valid: /^[A-Za-z0-9\-_.~$&+,;=]*$/, kept: /[A-Za-z0-9\-_.~$&+,;=]/ }

const schemeAndRest = /^([A-Za-z][A-Za-z0-9+.-]*):(.*)$/s
const hostAndPort = /^([A-Za-z0-9._~!$&'()*+,;=-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]*)?$/
const userCharacters = /^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/
const brokenEscape = /%(?![0-9A-Fa-f]{2})/
const printable = /^[\x21-\x7e]*$/

/** Parses and prints `text`, as Go's `url.Parse` and `String` do; `what` begins the complaint. Throws `san_unencodable`. */
export function parseUriName(text: string, what: string): UriName {
  const refuse = refusalOf(text, what)
  const hash = text.indexOf('#')
  const [scheme, beforeFragment] = splitScheme(hash < 0 ? text : text.slice(0, hash), refuse)
  const question = beforeFragment.indexOf('?')
  const rest = question < 0 ? beforeFragment : beforeFragment.slice(0, question)
  const query = question < 0 ? '' : beforeFragment.slice(question)
  // Go prints the query as it came.
  if (!printable.test(query)) throw refuse('its query holds characters that must be escaped')
  const last = hash < 0 ? '' : escapePart(fragment, text.slice(hash + 1), refuse)
  // An empty fragment goes with its sign, an empty query keeps it.
  const end = query + (last === '' ? '' : `#${last}`)
  if (!rest.startsWith('/')) {
    // Opaque, as in urn:isbn:1; Go prints it as it came.
    if (rest === '' || !printable.test(rest)) throw refuse('it is not a URI')
    return named(scheme, '', `${rest}${end}`, refuse)
  }
  const authority = splitAuthority(rest, refuse)
  assertNoDotSegments(authority.path, refuse)
  // Go leaves the slashes out where nothing follows them.
  const slashes = authority.start === '//' && authority.path === '' ? '' : authority.start
  return named(
    scheme,
    authority.hostname,
    `${slashes}${escapePart(path, authority.path, refuse)}${end}`,
    refuse,
  )
}

/**
 * The same for a text whose end was joined to a base as a path, as Go's `JoinPath` does: `?` and `#` belong to the path
 * there, and empty segments vanish.
 */
export function joinUriName(text: string, what: string): UriName {
  const refuse = refusalOf(text, what)
  const [scheme, rest] = splitScheme(text, refuse)
  if (!rest.startsWith('//')) throw refuse('it has no host')
  const { start, hostname, path: given } = splitAuthority(rest, refuse)
  assertNoDotSegments(given, refuse)
  const joined = given.replace(/\/{2,}/g, '/')
  return named(scheme, hostname, `${start}${escapePart(path, joined, refuse)}`, refuse)
}

function refusalOf(text: string, what: string): Refuse {
  return (why) =>
    new IssuanceError('san_unencodable', `${what} ${quoted(text)} cannot be written as a URI: ${why}`)
}

function named(scheme: string, hostname: string, rest: string, refuse: Refuse): UriName {
  // Also those that came escaped: somebody will decode them.
  if (/[\p{Cc}]/u.test(decoded(rest).toString('utf8'))) throw refuse('it holds control characters')
  return { scheme, hostname, text: `${scheme}:${rest}` }
}

function splitScheme(text: string, refuse: Refuse): readonly [scheme: string, rest: string] {
  const [, scheme, rest] = schemeAndRest.exec(text) ?? []
  if (scheme === undefined || rest === undefined) throw refuse('it has no scheme')
  return [scheme.toLowerCase(), rest]
}

/** `start` is all before the path, printed. */
function splitAuthority(rest: string, refuse: Refuse) {
  if (!rest.startsWith('//')) return { start: '', hostname: '', path: rest }
  const slash = rest.indexOf('/', 2)
  const authority = slash < 0 ? rest.slice(2) : rest.slice(2, slash)
  const at = authority.lastIndexOf('@')
  const host = authority.slice(at + 1)
  const found = hostAndPort.exec(host)
  if (found === null) throw refuse('its host is not valid')
  return {
    start: `//${at < 0 ? '' : `${userOf(authority.slice(0, at), refuse)}@`}${host}`,
    hostname: found[1] ?? '',
    path: slash < 0 ? '' : rest.slice(slash),
  }
}

function userOf(text: string, refuse: Refuse): string {
  if (!userCharacters.test(text)) throw refuse('its user is not valid')
  const colon = text.indexOf(':')
  const name = escapePart(user, colon < 0 ? text : text.slice(0, colon), refuse)
  return colon < 0 ? name : `${name}:${escapePart(user, text.slice(colon + 1), refuse)}`
}

/** Whoever normalises such a path reads another identity. Some do so after decoding, and take a backslash for a slash. */
function assertNoDotSegments(text: string, refuse: Refuse): void {
  const segments = decoded(text).toString('utf8').split(/[/\\]/)
  if (segments.some((segment) => segment === '.' || segment === '..'))
    throw refuse('its path holds dot segments')
}

function escapePart({ valid, kept }: Part, text: string, refuse: Refuse): string {
  if (brokenEscape.test(text)) throw refuse('it holds a % that begins no escape')
  if (valid.test(text)) return text
  let escaped = ''
  for (const byte of decoded(text)) {
    const character = String.fromCharCode(byte)
    escaped += kept.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return escaped
}

/** The bytes that `text` stands for; a `%` that begins no escape is itself. */
function decoded(text: string): Buffer {
  const bytes = Buffer.from(text, 'utf8')
  let length = 0
  for (let at = 0; at < bytes.length; at++) {
    const escape = bytes[at] === 0x25 ? bytes.toString('latin1', at + 1, at + 3) : ''
    const isEscape = /^[0-9A-Fa-f]{2}$/.test(escape)
    bytes[length++] = isEscape ? Number.parseInt(escape, 16) : (bytes[at] ?? 0)
    if (isEscape) at += 2
  }
  return bytes.subarray(0, length)
}
