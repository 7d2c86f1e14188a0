/** Tokens for scripts and tests: whatever identity is asked for, signed with the issuer's own key. */
import { quoted } from '@sigstack/crypto'
import { SignJWT } from 'jose'
import { isEmail } from './email.ts'
import type { SigningKey } from './signing-key.ts'
import { TrialTokenError } from './trial-token-error.ts'

export type TrialTokenRequest = {
  /** Becomes `email`, with `email_verified: true`; optional when there is a subject. */
  readonly email?: string
  /** Default: the e-mail address. */
  readonly subject?: string
  /** Default `sigstore`. */
  readonly audience?: string
  /** Default 600, at most 86,400. */
  readonly expiresInSeconds?: number
  /** More claims, as a CI system would send them. They may replace `email` and `email_verified`. */
  readonly claims?: Readonly<Record<string, unknown>>
}

export type TokenMaker = { readonly key: SigningKey; readonly issuer: string }

const defaultAudience = 'sigstore'
export const tokenLifetimeSeconds = 600
export const maxTokenLifetimeSeconds = 86_400
const maxClaims = 64
const maxClaimsLength = 16 * 1024
/** Each has its own field, or is the issuer's alone. */
const reservedClaims = ['iss', 'sub', 'aud', 'exp', 'iat', 'nbf']

/** An RS256 JWT. Throws {@link TrialTokenError}. */
export async function mintToken(
  { key, issuer }: TokenMaker,
  request: TrialTokenRequest,
  now: Date,
): Promise<string> {
  const {
    email,
    subject = email,
    audience = defaultAudience,
    expiresInSeconds = tokenLifetimeSeconds,
  } = request
  if (email !== undefined && !isEmail(email)) {
    throw new TrialTokenError('email_refused', `${quoted(email)} is not an e-mail address`)
  }
  if (subject === undefined || subject === '')
    throw new TrialTokenError('subject_refused', 'give an email or a subject')
  if (
    !Number.isInteger(expiresInSeconds) ||
    expiresInSeconds < 1 ||
    expiresInSeconds > maxTokenLifetimeSeconds
  ) {
    throw new TrialTokenError(
      'lifetime_refused',
      `expiresInSeconds must be from 1 to ${maxTokenLifetimeSeconds}`,
    )
  }
  const claims = checkClaims(request.claims ?? {})
  const issuedAt = Math.floor(now.getTime() / 1000)
  return new SignJWT({ ...(email === undefined ? {} : { email, email_verified: true }), ...claims })
    .setProtectedHeader({ alg: 'RS256', kid: key.keyId, typ: 'JWT' })
    .setIssuer(issuer)
    .setSubject(subject)
    .setAudience(audience)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + expiresInSeconds)
    .sign(key.privateKey)
}

function checkClaims(claims: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const names = Object.keys(claims)
  const reserved = names.find((name) => reservedClaims.includes(name))
  if (reserved !== undefined) {
    throw new TrialTokenError(
      'claim_refused',
      `claims may not hold ${reserved}; use the field for it, if there is one`,
    )
  }
  if (names.length > maxClaims || JSON.stringify(claims).length > maxClaimsLength) {
    throw new TrialTokenError(
      'claim_refused',
      `at most ${maxClaims} claims of ${maxClaimsLength} characters together`,
    )
  }
  return claims
}
