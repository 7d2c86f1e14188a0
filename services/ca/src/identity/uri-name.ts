/**
 * URIs as they stand in a certificate: what Go's net/url makes of a text when it parses and prints it, because clients
 * compare with what Fulcio writes. The scheme is lower-cased and the path escaped where it must be; nothing else
 * changes: not the case of the host, no slash after a bare host, no default port removed. The WHATWG `URL` does all of that.
 */
import { IssuanceError } from '../issuance/issuance-error.ts'
import { isAscii } from './email-address.ts'

export type UriName = {
  readonly scheme: string
  /** Without port; empty for URIs without authority. */
  readonly hostname: string
  /** The whole, printed. */
  readonly text: string
}

const shape = /^([A-Za-z][A-Za-z0-9+.-]*):([^?#]*)(\?[^#]*)?(#.*)?$/s
const authority =
  /^(?:[A-Za-z0-9._~$&+,;=:-]*@)?([A-Za-z0-9._~!$&'()*+,;=-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]*)?$/
/** Bytes that may stand in a path unescaped, apart from valid escapes. */
const plainPath = /^(?:[A-Za-z0-9\-_.~!$&'()*+,;=:@/[\]]|%[0-9A-Fa-f]{2})*$/
const keptWhenEscaping = /[A-Za-z0-9\-_.~$&+,/:;=@]/
const brokenEscape = /%(?![0-9A-Fa-f]{2})/

/** Parses and prints `text`; `what` begins the complaint. Throws `san_unencodable`. */
export function parseUriName(text: string, what: string): UriName {
  const refuse = (why: string) =>
    new IssuanceError('san_unencodable', `${what} ${JSON.stringify(text)} cannot be written as a URI: ${why}`)
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  if (/[\x00-\x1f\x7f]/.test(text)) throw refuse('it holds control characters')
  const [, rawScheme, rest, query = '', fragment = ''] = shape.exec(text) ?? []
  if (rawScheme === undefined || rest === undefined) throw refuse('it has no scheme')
  const scheme = rawScheme.toLowerCase()
  if (
    !isAscii(query) ||
    !isAscii(fragment) ||
    brokenEscape.test(fragment) ||
    /[\s"<>`]/.test(query + fragment)
  )
    throw refuse('its query or fragment holds characters that must be escaped')
  if (!rest.startsWith('/')) {
    // Opaque, as in urn:isbn:1; Go prints it as it came.
    if (rest === '' || !isAscii(rest) || /[\s"<>`]/.test(rest)) throw refuse('it is not a URI')
    return { scheme, hostname: '', text: `${scheme}:${rest}${query}${fragment}` }
  }
  const { host, hostname, path } = splitAuthority(rest, refuse)
  // Go leaves the slashes out where nothing follows them.
  if (host === '//' && path === '') return { scheme, hostname, text: `${scheme}:${query}${fragment}` }
  return { scheme, hostname, text: `${scheme}:${host}${escapePath(path, refuse)}${query}${fragment}` }
}

function splitAuthority(rest: string, refuse: (why: string) => Error) {
  if (!rest.startsWith('//')) return { host: '', hostname: '', path: rest }
  const slash = rest.indexOf('/', 2)
  const host = slash < 0 ? rest : rest.slice(0, slash)
  const found = authority.exec(host.slice(2))
  if (found === null) throw refuse('its host is not valid')
  return { host, hostname: found[1] ?? '', path: slash < 0 ? '' : rest.slice(slash) }
}

function escapePath(path: string, refuse: (why: string) => Error): string {
  if (brokenEscape.test(path)) throw refuse('it holds a % that begins no escape')
  if (plainPath.test(path)) return path
  // One character out of place and Go decodes and escapes the whole path anew.
  let escaped = ''
  for (const byte of unescapePath(path)) {
    const character = String.fromCharCode(byte)
    escaped += keptWhenEscaping.test(character)
      ? character
      : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return escaped
}

function unescapePath(path: string): Uint8Array {
  const bytes = Buffer.from(path, 'utf8')
  const plain: number[] = []
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0
    if (byte === 0x25) {
      plain.push(Number.parseInt(bytes.toString('latin1', at + 1, at + 3), 16))
      at += 2
    } else plain.push(byte)
  }
  return Uint8Array.from(plain)
}
