/** Claims of an identity token: JSON as its issuer signed it, so trusted in origin but not in shape. */
import { type JsonValue, quoted } from '@sigstack/crypto'
import { refuseToken } from '../refusals.ts'

export type Claims = { readonly [name: string]: JsonValue }

/** The claim, which must be a string that is not empty. */
export function readStringClaim(claims: Claims, name: string): string {
  const value = readClaim(claims, name)
  if (value === undefined) throw refuseToken('claim_missing', `the claim ${name} is missing`)
  if (typeof value !== 'string' || value === '')
    throw refuseToken('claim_malformed', `${name} is ${quoted(value)} but must be a text that is not empty`)
  return value
}

/** Own members only: a claim named `constructor` is a claim and not a function. */
export function readClaim(claims: Claims, name: string): JsonValue | undefined {
  return Object.hasOwn(claims, name) ? claims[name] : undefined
}

/**
 * `email_verified` as Fulcio reads it (fulcio pkg/oauthflow/oidc.go): a boolean, or its two spellings as text; absent
 * means false.
 */
export function isEmailVerified(claims: Claims): boolean {
  const value = readClaim(claims, 'email_verified')
  if (value === undefined || value === false || value === 'false' || value === 'False') return false
  if (value === true || value === 'true' || value === 'True') return true
  throw refuseToken('claim_malformed', `email_verified is ${quoted(value)} but must be true or false`)
}
