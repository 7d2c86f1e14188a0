/** Domains of e-mail addresses, in the one spelling in which rules compare them. */
import { domainToASCII } from 'node:url'

/**
 * Lower case, without the dot of the root, letters of other scripts as in the DNS (IDNA: `bücher.example` is
 * `xn--bcher-kva.example`). Undefined for what is no domain.
 */
export function normalDomain(text: string): string | undefined {
  const plain = (text.endsWith('.') ? text.slice(0, -1) : text).toLowerCase()
  // Only where there is something to encode: it would also decode escapes, and take 1.2 for an address.
  const domain = /^[\x21-\x7e]+$/.test(plain) ? plain : domainToASCII(plain)
  return /^[a-z0-9_~-]+(?:\.[a-z0-9_~-]+)*$/.test(domain) ? domain : undefined
}

/** A prefix or glob of domains in the same spelling, label by label. */
export function normalDomainPattern(pattern: string): string {
  return pattern
    .toLowerCase()
    .split(/[.。．｡]/)
    .map((label) => (/^[\x21-\x7e]*$/.test(label) ? label : domainToASCII(label) || label))
    .join('.')
}

/** The domain of an address in its normal form; undefined for what is no address, such as a URI with an `@` in it. */
export function domainOfEmail(address: string): string | undefined {
  const at = address.lastIndexOf('@')
  if (at <= 0) return undefined
  const local = address.slice(0, at)
  const isQuoted = local.length > 1 && local.startsWith('"') && local.endsWith('"')
  if (!isQuoted && /[\s:]/.test(local)) return undefined
  return normalDomain(address.slice(at + 1))
}
