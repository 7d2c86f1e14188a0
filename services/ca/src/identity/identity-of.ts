/** Token claims to certificate identity, by the type of issuer (fulcio.md sections 2.3 and 4.2). */
import { escaped, isObject, memberAt, quoted } from '@sigstack/crypto'
import { IssuanceError, refuseToken } from '../refusals.ts'
import { chainguardIdentity } from './chainguard.ts'
import { ciIdentity } from './ci-identity.ts'
import { type Claims, isEmailVerified, readClaim, readStringClaim } from './claims.ts'
import { dedicatedCiIdentity } from './dedicated-ci.ts'
import { isAscii, isEmailAddress, isQuoted } from './email-address.ts'
import { goText } from './go-text.ts'
import type { Identity, IssuerEntry, IssuerKind } from './identity.ts'
import { assertSpiffeId } from './spiffe-id.ts'
import { parseUriName, type UriName } from './uri-name.ts'

/**
 * The identity that `claims` of a token of this issuer stand for. The token is authentic by now; what it claims may still
 * be unfit. Throws an IssuanceError that names the claim and both values.
 */
export function identityOf({ kind }: Pick<IssuerEntry, 'kind'>, claims: Claims): Identity {
  const identity = identityOfKind(kind, claims)
  // Verifiers compare these. What a workflow calls itself is free text, which nobody goes by.
  for (const [name, value] of Object.entries(identity.claims))
    if (name !== 'githubWorkflowName' && value !== undefined && /\p{Cc}/u.test(value))
      throw refuseToken(
        'claim_malformed',
        `${name} would be ${quoted(value)} but certificates hold no control characters`,
      )
  return identity
}

function identityOfKind(kind: IssuerKind, claims: Claims): Identity {
  const issuer = readStringClaim(claims, 'iss')
  const subject = readStringClaim(claims, 'sub')
  const fulcio = { issuer, subject }
  switch (kind.type) {
    case 'email':
      return emailIdentity(kind, claims, subject)
    case 'uri':
      return { ...uriName(uriSubject(kind, subject)), claims: fulcio, proofSubjects: [subject] }
    case 'username':
      return {
        subjectAlternativeName: { type: 'username', value: `${usernameSubject(subject)}!${kind.domain}` },
        claims: fulcio,
        proofSubjects: [subject],
      }
    case 'spiffe':
      assertSpiffeId(subject, kind.trustDomain)
      return { ...uriName(subject), claims: fulcio, proofSubjects: [subject] }
    case 'kubernetes':
      return { ...uriName(serviceAccountUri(claims)), claims: fulcio, proofSubjects: [subject] }
    case 'ci-provider':
      if (kind.provider === undefined)
        throw refuseToken(
          'provider_not_configured',
          `the issuer ${quoted(issuer)} names the CI provider ${quoted(kind.providerName)}, which is not configured`,
        )
      return ciIdentity(kind.provider, claims, fulcio)
    case 'chainguard-identity':
      return chainguardIdentity(claims, issuer, subject)
    case 'github-workflow':
    case 'gitlab-pipeline':
    case 'buildkite-job':
    case 'codefresh-workflow':
      return dedicatedCiIdentity(kind.type, claims, fulcio)
    case 'unknown':
      throw refuseToken(
        'provider_not_configured',
        `the issuer ${quoted(issuer)} is of a type that this CA does not know`,
      )
  }
}

function emailIdentity(kind: IssuerKind & { type: 'email' }, claims: Claims, subject: string): Identity {
  const email = readStringClaim(claims, 'email')
  if (!kind.skipEmailVerification && !isEmailVerified(claims)) {
    const stated = quoted(readClaim(claims, 'email_verified') ?? null)
    throw refuseToken(
      'email_not_verified',
      `email_verified is ${stated} but must be true for the email ${quoted(email)}`,
    )
  }
  if (!isAscii(email))
    throw refuseToken(
      'email_implausible',
      `email is ${quoted(email)} but certificates hold ASCII email addresses only`,
    )
  if (!isEmailAddress(email))
    throw refuseToken(
      'email_implausible',
      `email is ${quoted(email)} but must be an address like name@example.com`,
    )
  if (isQuoted(email))
    throw refuseToken(
      'email_implausible',
      `email is ${quoted(email)} but must have no part in quotation marks`,
    )
  return {
    subjectAlternativeName: { type: 'email', value: email },
    claims: { issuer: emailIssuer(kind, claims), subject },
    // Older sigstore-js signs `sub` for issuers that it does not know; both are claims of the same token.
    proofSubjects: email === subject ? [email] : [email, subject],
  }
}

/** The token's issuer, or the one that an intermediary names in a claim of its own. */
function emailIssuer({ issuerClaim }: IssuerKind & { type: 'email' }, claims: Claims): string {
  if (issuerClaim === undefined) return readStringClaim(claims, 'iss')
  const value = memberAt(claims, ...issuerClaim)
  const path = `$.${issuerClaim.join('.')}`
  if (value === undefined || value === null)
    throw refuseToken('claim_missing', `the claim ${path}, which names the issuer, is missing`)
  if (typeof value === 'object')
    throw refuseToken('claim_malformed', `${path} is ${quoted(value)} but must be the text of an issuer`)
  return goText(value as string | number | boolean)
}

function uriSubject({ scheme, hostname }: IssuerKind & { type: 'uri' }, subject: string): string {
  const expected = `a URI of ${scheme}://${hostname}`
  if (isEmailAddress(subject))
    throw refuseToken(
      'subject_refused',
      `sub is the email address ${quoted(subject)} but must be ${expected}`,
    )
  const { scheme: ownScheme, hostname: ownHostname } = subjectUri(subject, expected)
  if (ownScheme !== scheme || ownHostname !== hostname)
    throw refuseToken('subject_refused', `sub is ${quoted(subject)} but must be ${expected}`)
  return subject
}

function usernameSubject(subject: string): string {
  if (subject.includes('!'))
    throw refuseToken('subject_refused', `sub is ${quoted(subject)} but a username holds no "!"`)
  if (isEmailAddress(subject))
    throw refuseToken('subject_refused', `sub is the email address ${quoted(subject)} but must be a username`)
  // The only name in a certificate that is not ASCII, so two that look alike must not differ by what nobody sees.
  if (escaped(subject, subject.length) !== subject)
    throw refuseToken(
      'subject_refused',
      `sub is ${quoted(subject)} but a username holds no control characters, marks of direction or characters without width`,
    )
  return subject
}

/** A text that is no URI at all breaks the rule of the issuer as much as a URI of somebody else. */
function subjectUri(subject: string, expected: string): UriName {
  try {
    return parseUriName(subject, 'sub')
  } catch (cause) {
    if (!(cause instanceof IssuanceError)) throw cause
    throw refuseToken(
      'subject_refused',
      `sub is ${quoted(subject)} but must be ${expected}; ${cause.message}`,
      { cause },
    )
  }
}

/** As Kubernetes names things (RFC 1123): nothing in it can change the path that it is put into. */
const kubernetesName = /^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/

function serviceAccountUri(claims: Claims): string {
  const about = readClaim(claims, 'kubernetes.io')
  if (!isObject(about))
    throw refuseToken(
      'claim_malformed',
      `kubernetes.io is ${quoted(about ?? null)} but must name a service account`,
    )
  const account = readClaim(about as Claims, 'serviceaccount')
  const namespace = kubernetesNameIn(about, 'namespace', 'kubernetes.io.namespace')
  const name = kubernetesNameIn(account, 'name', 'kubernetes.io.serviceaccount.name')
  return `https://kubernetes.io/namespaces/${namespace}/serviceaccounts/${name}`
}

function kubernetesNameIn(parent: unknown, member: string, claim: string): string {
  const value = memberAt(parent, member)
  if (typeof value !== 'string' || value.length > 253 || !kubernetesName.test(value))
    throw refuseToken('claim_malformed', `${claim} is ${quoted(value ?? null)} but must be a Kubernetes name`)
  return value
}

function uriName(text: string): Pick<Identity, 'subjectAlternativeName'> {
  return { subjectAlternativeName: { type: 'uri', value: parseUriName(text, 'the identity').text } }
}
