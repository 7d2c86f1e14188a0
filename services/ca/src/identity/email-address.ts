/**
 * Which text counts as an email address. The rule is that of asaskevich/govalidator (patterns.go), for ASCII only and by
 * plain steps in place of its one expression, which a hostile text could keep busy for very long.
 */

const longestAddress = 320
const atom = /^[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+$/
const quotedLocalPart = /^"[\x20\x21\x23-\x5b\x5d-\x7e]*"$/
/** Everything before the last label; it may hold dots. */
const domainHead = /^[A-Za-z0-9](?:[A-Za-z0-9._~-]*[A-Za-z0-9])?$/
const lastLabel = /^[A-Za-z](?:[A-Za-z0-9_~-]*[A-Za-z])?$/

export function isEmailAddress(text: string): boolean {
  if (text.length > longestAddress) return false
  const at = text.lastIndexOf('@')
  if (at <= 0) return false
  return isLocalPart(text.slice(0, at)) && isDomain(text.slice(at + 1))
}

function isLocalPart(text: string): boolean {
  return quotedLocalPart.test(text) || text.split('.').every((part) => atom.test(part))
}

function isDomain(text: string): boolean {
  const absolute = text.endsWith('.') ? text.slice(0, -1) : text
  const dot = absolute.lastIndexOf('.')
  if (dot < 0 || absolute.includes('..')) return false
  return domainHead.test(absolute.slice(0, dot)) && lastLabel.test(absolute.slice(dot + 1))
}

/**
 * Whether the local part is in quotation marks. What is in them can be another address, or a whole URI, and so match an expression of a
 * verifier that is not anchored.
 */
export function isQuoted(email: string): boolean {
  return email.startsWith('"')
}

/** Certificates hold email addresses and URIs as IA5String. */
export function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false
  return true
}
