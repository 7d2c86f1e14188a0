/** What may be wrong with a token but for its signature. */
import { quoted } from '@sigstack/crypto'
import { type Claims, readClaim } from '../identity/claims.ts'
import { type IssuanceError, refuseToken } from '../refusals.ts'

const allowedNotBeforeSeconds = 5 * 60

export function issuerNotConfigured(issuerUrl: string): IssuanceError {
  return refuseToken(
    'issuer_not_configured',
    `iss is ${quoted(issuerUrl)}, which is not among the configured issuers`,
  )
}

/** What is checked besides the signature; each throws an IssuanceError. */
export function tokenComplaints(claims: Claims, audience: string, now: Date): readonly (() => void)[] {
  return [() => assertAudience(claims, audience), () => assertTime(claims, now)]
}

function assertAudience(claims: Claims, expected: string): void {
  const audience = readClaim(claims, 'aud')
  const audiences: unknown[] = Array.isArray(audience) ? audience : [audience]
  if (!audiences.includes(expected))
    throw refuseToken(
      'audience_mismatch',
      `aud is ${quoted(audience ?? null)} but must be ${quoted(expected)}`,
    )
}

function assertTime(claims: Claims, now: Date): void {
  const expiry = readNumber(claims, 'exp')
  if (expiry === undefined) throw refuseToken('claim_missing', 'the claim exp is missing')
  if (expiry * 1000 < now.getTime())
    throw refuseToken('expired', `exp is ${expiry} (${instant(expiry)}) but it is ${now.toISOString()} now`)
  // It decides nothing, but a token that lies about its form is not read any further (RFC 7519 section 4.1.6).
  readNumber(claims, 'iat')
  const notBefore = readNumber(claims, 'nbf')
  if (notBefore !== undefined && notBefore * 1000 > now.getTime() + allowedNotBeforeSeconds * 1000)
    throw refuseToken(
      'not_yet_valid',
      `nbf is ${notBefore} (${instant(notBefore)}) but it is ${now.toISOString()} now`,
    )
}

/** Null is as absent: some writers of tokens write every member. */
function readNumber(claims: Claims, name: string): number | undefined {
  const value = readClaim(claims, name) ?? undefined
  // 1e999 is no number of seconds: read as infinite, the token would hold for ever.
  if (value === undefined || (typeof value === 'number' && Number.isFinite(value))) return value
  throw refuseToken(
    'claim_malformed',
    `${name} is ${typeof value === 'number' ? value : quoted(value)} but must be a number of seconds`,
  )
}

function instant(seconds: number): string {
  const date = new Date(seconds * 1000)
  return Number.isNaN(date.getTime()) ? 'no time' : date.toISOString()
}
