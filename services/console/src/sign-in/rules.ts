/** What of an ID token makes a reader or an operator. Pure. */
import { isObject } from '@sigstack/crypto'
import { matchesGlob } from '@sigstack/policy'

export type Claims = Readonly<Record<string, unknown>>

/** Of each claim that is named what it must be; all must hold, so a rule without any holds for everybody. */
export type Rule = Readonly<Record<string, Expectation>>

/** A text is a glob over the whole of the claim: `*` stands for anything but `/`, `**` for anything. */
export type Expectation = string | boolean

export type Rules = { readonly readers: readonly Rule[]; readonly operators: readonly Rule[] }

/** Undefined for somebody who is neither. */
export function roleOf(claims: Claims, { readers, operators }: Rules): 'reader' | 'operator' | undefined {
  const fits = (rule: Rule) => Object.entries(rule).every(([name, wanted]) => holds(claims, name, wanted))
  if (operators.some(fits)) return 'operator'
  return readers.some(fits) ? 'reader' : undefined
}

/** For people and for the record of what is done: the address, where the issuer vouches for it, or else the subject. */
export function nameOf(claims: Claims & { readonly sub: string }): string {
  const { email, sub } = claims
  return typeof email === 'string' && email !== '' && isVerified(claims) ? email : sub
}

function holds(claims: Claims, name: string, wanted: Expectation): boolean {
  // At many issuers anybody can enter any address.
  if (name === 'email' && !isVerified(claims)) return false
  const told = claimAt(claims, name)
  const each: readonly unknown[] = Array.isArray(told) ? told : [told]
  return each.some((value) =>
    typeof wanted === 'string' ? typeof value === 'string' && matchesGlob(wanted, value) : value === wanted,
  )
}

/** Some issuers write it as a text. */
function isVerified({ email_verified: told }: Claims): boolean {
  return told === true || told === 'true'
}

/** By its name, or with a slash before it by a JSON pointer (RFC 6901), as `/realm_access/roles`. */
function claimAt(claims: Claims, name: string): unknown {
  if (!name.startsWith('/')) return Object.hasOwn(claims, name) ? claims[name] : undefined
  let found: unknown = claims
  for (const part of name.slice(1).split('/')) {
    const member = part.replaceAll('~1', '/').replaceAll('~0', '~')
    if (!isObject(found) || !Object.hasOwn(found, member)) return undefined
    found = found[member]
  }
  return found
}
