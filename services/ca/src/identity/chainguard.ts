/** Identities of type chainguard-identity: the issuer's URL with the subject as a path below it (fulcio.md 2.3, 4.2). */
import { refuseToken } from '../issuance/issuance-error.ts'
import { type Claims, isEmailVerified, quoted, readClaim, readStringClaim } from './claims.ts'
import type { Identity } from './identity.ts'
import { parseUriName } from './uri-name.ts'

/** The proof covers the verified `email` where there is one, since that is what clients sign then; otherwise `sub`. */
export function chainguardIdentity(claims: Claims, issuer: string, subject: string): Identity {
  const segments = subject.split('/')
  // Such a path would be shortened on its way into the certificate, to one that belongs to somebody else.
  if (
    segments.some((segment) => segment === '' || segment === '.' || segment === '..') ||
    /[?#]/.test(subject)
  )
    throw refuseToken('subject_refused', `sub is ${quoted(subject)} but must be a plain path`)
  const uri = `${issuer.replace(/\/+$/, '')}/${subject}`
  return {
    subjectAlternativeName: { type: 'uri', value: parseUriName(uri, 'the identity').text },
    claims: { issuer, subject },
    proofSubjects: [proofSubject(claims, subject)],
  }
}

function proofSubject(claims: Claims, subject: string): string {
  const email = readClaim(claims, 'email')
  if (email === undefined || email === '' || email === null) return subject
  const address = readStringClaim(claims, 'email')
  if (!isEmailVerified(claims))
    throw refuseToken(
      'email_not_verified',
      `email_verified is ${quoted(readClaim(claims, 'email_verified') ?? null)} but must be true for the email ${quoted(address)}`,
    )
  return address
}
