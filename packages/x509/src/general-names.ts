/** Subject alternative names (RFC 5280 section 4.2.1.6). */
import {
  asBuffer,
  type DerElement,
  der,
  derOid,
  derTag,
  oidOf,
  parseUtf8,
  readDerChildren,
  readOnlyDer,
  utf8,
} from '@sigstack/crypto'
import { type Certificate, certificateExtensions, extensionValue } from './certificate.ts'
import { X509Error } from './errors.ts'
import { extensionOid, fulcioOtherNameOid } from './oids.ts'

/** The one name in a leaf. A username is `name!domain`, in Fulcio's otherName. */
export type San = { readonly type: 'email' | 'uri' | 'username'; readonly value: string }

const nameTag = { otherName: 0xa0, email: 0x81, dns: 0x82, uri: 0x86, ip: 0x87 } as const
const otherNameType = derOid(fulcioOtherNameOid)

/**
 * The names in a certificate in the order DNS, e-mail, IP address, URI, otherName of Fulcio's type; other kinds are
 * passed over. Text is as it stands in the certificate, URIs are not normalised.
 */
export function certificateSubjects(
  certificate: Uint8Array | Pick<Certificate, 'extensions'>,
): readonly string[] {
  const extensions =
    certificate instanceof Uint8Array ? certificateExtensions(certificate) : certificate.extensions
  const value = extensionValue({ extensions }, extensionOid.subjectAlternativeName)
  if (value === undefined) return []
  const names = readOnlyDer(value, derTag.sequence).children(1000)
  const subjects: string[] = []
  for (const tag of orderOfNames)
    for (const name of names) {
      const subject = name.tag === tag ? subjectOf(name) : undefined
      if (subject !== undefined) subjects.push(subject)
    }
  return subjects
}

const orderOfNames = [nameTag.dns, nameTag.email, nameTag.ip, nameTag.uri, nameTag.otherName]

function subjectOf(name: DerElement): string | undefined {
  if (name.tag === nameTag.ip) return ipText(name.content)
  return name.tag === nameTag.otherName ? usernameOf(name.content) : ia5Of(name)
}

/** The value of a subjectAltName extension with this one name. */
export function encodeSan({ type, value }: San): Uint8Array {
  if (value === '') throw new X509Error('bad_name', `the ${type} for the certificate is empty`)
  if (type === 'username') {
    if (!value.isWellFormed()) throw new X509Error('bad_name', 'the username holds a lone surrogate')
    const text = der(0xa0, der(derTag.utf8String, utf8(value)))
    return der(derTag.sequence, der(nameTag.otherName, otherNameType, text))
  }
  // Clients compare the claim literally, so neither punycode nor percent signs are put in silently.
  if (!/^[\x21-\x7e]+$/.test(value))
    throw new X509Error(
      'bad_name',
      `the ${type} for the certificate may hold printable ASCII characters only`,
    )
  return der(derTag.sequence, der(nameTag[type], utf8(value)))
}

function ia5Of({ content }: DerElement): string {
  for (const byte of content)
    if (byte >= 0x80) throw new X509Error('bad_name', 'a subject alternative name is not ASCII')
  return asBuffer(content).toString('latin1')
}

/** `undefined` for an otherName of another type. */
function usernameOf(content: Uint8Array): string | undefined {
  const [type, wrapped, surplus] = readDerChildren(content, 3)
  if (type?.tag !== derTag.oid || wrapped?.tag !== 0xa0 || surplus !== undefined)
    throw new X509Error('bad_name', 'an otherName is malformed')
  if (oidOf(type.content) !== fulcioOtherNameOid) return undefined
  const text = parseUtf8(readOnlyDer(wrapped.content, derTag.utf8String).content)
  if (text === undefined) throw new X509Error('bad_name', 'an otherName is not UTF-8')
  return text
}

/** Dotted IPv4; IPv6 as RFC 5952 writes it, IPv4-mapped addresses as IPv4. */
function ipText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.')
  if (bytes.length !== 16) throw new X509Error('bad_name', 'an IP address has 4 or 16 bytes')
  if (bytes.subarray(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff)
    return bytes.subarray(12).join('.')
  const groups = Array.from({ length: 8 }, (_, i) =>
    asBuffer(bytes)
      .readUInt16BE(2 * i)
      .toString(16),
  )
  const zeros = longestZeroRun(groups)
  if (zeros.length < 2) return groups.join(':')
  return `${groups.slice(0, zeros.start).join(':')}::${groups.slice(zeros.start + zeros.length).join(':')}`
}

function longestZeroRun(groups: readonly string[]): { start: number; length: number } {
  let best = { start: 0, length: 0 }
  for (let start = 0; start < groups.length; start++) {
    let length = 0
    while (groups[start + length] === '0') length++
    if (length > best.length) best = { start, length }
  }
  return best
}
