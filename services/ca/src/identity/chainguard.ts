/** Identities of type chainguard-identity: the issuer's URL with the subject as a path below it (fulcio.md 2.3, 4.2). */
import { quoted } from '@sigstack/crypto'
import { refuseToken } from '../refusals.ts'
import { type Claims, isEmailVerified, readClaim, readStringClaim } from './claims.ts'
import type { Identity } from './identity.ts'
import { joinUriName } from './uri-name.ts'

/** The proof covers the verified `email` where there is one, since that is what clients sign then; otherwise `sub`. */
export function chainguardIdentity(claims: Claims, issuer: string, subject: string): Identity {
  const segments = subject.split('/')
  // Such a path would be read as another one, which belongs to somebody else.
  if (
    segments.some((segment) => segment === '' || segment === '.' || segment === '..') ||
    /[?#%\\]/.test(subject)
  )
    throw refuseToken('subject_refused', `sub is ${quoted(subject)} but must be a plain path`)
  return {
    subjectAlternativeName: {
      type: 'uri',
      value: joinUriName(`${issuer}/${subject}`, 'the identity').text,
    },
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
