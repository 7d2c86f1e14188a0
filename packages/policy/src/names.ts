/** Names that people can spell in several ways, in the one spelling in which rules that deny and limits compare them. */
import { domainOfEmail } from './email-domain.ts'

/**
 * An e-mail address with its domain as `normalDomain` has it, its mailbox in lower case, as mail servers take it, and no needless
 * quotes (RFC 5322 section 3.2.4). Undefined for what is no address.
 */
export function normalEmail(name: string): string | undefined {
  const domain = domainOfEmail(name)
  if (domain === undefined) return undefined
  const local = name.slice(0, name.lastIndexOf('@')).normalize('NFC').toLowerCase()
  const isQuoted = local.length > 1 && local.startsWith('"') && local.endsWith('"')
  return `${isQuoted ? local.slice(1, -1).replaceAll(/\\([^])/g, '$1') : local}@${domain}`
}

/**
 * A name, a glob or a prefix as rules that deny compare it: hosts take addresses and names of organizations in any letter case, so
 * nobody gets past such a rule by another one. Rules that allow compare what is written.
 */
export function nameForDenial(name: string): string {
  return normalEmail(name) ?? name.toLowerCase()
}
