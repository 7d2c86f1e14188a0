/** SPIFFE IDs by the rules of go-spiffe: ASCII, no query, fragment, port or user, no empty or dot segments. */
import { quoted } from '@sigstack/crypto'
import { refuseToken } from '../refusals.ts'

const trustDomain = /^[a-z0-9._-]{1,255}$/
const spiffeId = /^spiffe:\/\/([a-z0-9._-]{1,255})((?:\/[A-Za-z0-9._-]+)*)$/

export function isTrustDomain(text: string): boolean {
  return trustDomain.test(text)
}

/** Throws unless `subject` is a SPIFFE ID of this trust domain. */
export function assertSpiffeId(subject: string, expected: string): void {
  const [, domain, path = ''] = subject.length > 2048 ? [] : (spiffeId.exec(subject) ?? [])
  if (domain === undefined || path.split('/').some((segment) => segment === '.' || segment === '..'))
    throw refuseToken('subject_refused', `sub is ${quoted(subject)} but must be a SPIFFE ID`)
  if (domain !== expected)
    throw refuseToken(
      'subject_refused',
      `sub is ${quoted(subject)} but must be in the trust domain ${quoted(expected)}`,
    )
}
