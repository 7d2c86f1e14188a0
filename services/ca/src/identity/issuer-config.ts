/**
 * The identity configuration in Fulcio's format (fulcio pkg/config/config.go), parsed and judged once at start. Names are
 * accepted in the spelling of the YAML and of the JSON form. Unknown ones are refused, but at the top, where the stock
 * file keeps what its anchors need.
 */
import { quoted, reasonOf } from '@sigstack/crypto'
import { parseCertificatesPem } from '@sigstack/x509'
import { ciPresets } from './ci-presets.ts'
import { parseCiProvider } from './ci-provider-config.ts'
import {
  asFields,
  assertKnownMembers,
  type Fields,
  IssuerConfigError,
  type MemberName,
  member,
  stringMap,
} from './config-fields.ts'
import { isDedicatedCiType } from './dedicated-ci.ts'
import { assertSameDomain, isUrlWithScheme, parseSubjectDomain } from './domain-rules.ts'
import type { CiProvider, IssuerEntry, IssuerKind } from './identity.ts'
import { parseIssuerClaim } from './issuer-claim.ts'
import type { IssuancePolicy } from './policy.ts'
import { parsePolicy, providerNameOf } from './policy-config.ts'
import { isTrustDomain } from './spiffe-id.ts'

export type IssuerConfig = {
  readonly issuers: readonly IssuerEntry[]
  /** What the operator may have meant otherwise; a sentence each. */
  readonly notices?: readonly string[]
}

const topMembers: readonly MemberName[] = [
  ['oidc-issuers', 'OIDCIssuers'],
  ['meta-issuers', 'MetaIssuers'],
  ['ci-issuer-metadata', 'CIIssuerMetadata'],
]

const issuerMembers: readonly MemberName[] = [
  ['issuer-url', 'IssuerURL'],
  ['client-id', 'ClientID'],
  ['type', 'Type'],
  ['ci-provider', 'CIProvider'],
  ['issuer-claim', 'IssuerClaim'],
  ['subject-domain', 'SubjectDomain'],
  ['spiffe-trust-domain', 'SPIFFETrustDomain'],
  ['challenge-claim', 'ChallengeClaim'],
  ['description', 'Description'],
  ['contact', 'Contact'],
  ['environment', 'Environment'],
  ['ca-cert', 'CACert'],
  ['skip-email-verification', 'SkipEmailVerification'],
  // Ours.
  ['policy', 'Policy'],
  ['default-template-values', 'DefaultTemplateValues'],
]

/** `value` is what JSON or YAML made of the file. */
export function parseIssuerConfig(value: unknown): IssuerConfig {
  const top = asFields(value, 'the identity configuration')
  const providers = new Map<string, unknown>(Object.entries(ciPresets))
  for (const [name, metadata] of entriesOf(top, 'ci-issuer-metadata', 'CIIssuerMetadata'))
    providers.set(name, metadata)
  // Every provider is parsed, used or not: a broken template should stop the start and not a job.
  const parsed = new Map([...providers].map(([name, metadata]) => [name, parseCiProvider(name, metadata)]))
  const exact = entriesOf(top, 'oidc-issuers', 'OIDCIssuers').map(([url, issuer]) =>
    parseEntry(url, issuer, false, parsed),
  )
  const patterns = entriesOf(top, 'meta-issuers', 'MetaIssuers').map(([url, issuer]) =>
    parseEntry(url, issuer, true, parsed),
  )
  if (exact.length + patterns.length === 0)
    throw new IssuerConfigError(
      'the identity configuration names no issuer under oidc-issuers or meta-issuers',
    )
  const known = new Set(topMembers.flat())
  const notices = Object.keys(top)
    .filter((name) => !known.has(name) && name.toLowerCase() !== 'define')
    .map((name) => `the identity configuration has ${quoted(name, 100)} at the top, which means nothing here`)
  return { issuers: [...exact, ...patterns], ...(notices.length > 0 && { notices }) }
}

function parseEntry(
  url: string,
  value: unknown,
  isPattern: boolean,
  providers: ReadonlyMap<string, CiProvider>,
): IssuerEntry {
  const fields = asFields(value, `the issuer ${url}`)
  assertKnownMembers(fields, issuerMembers, `the issuer ${url}`)
  const issuerUrl = text(fields, 'issuer-url', 'IssuerURL')
  if (!isPattern && issuerUrl !== '' && issuerUrl !== url)
    throw new IssuerConfigError(
      `issuer-url ${issuerUrl} differs from its key ${url}; they must be equal, trailing slash included`,
    )
  if (!isUrlWithScheme(url)) throw new IssuerConfigError(`the issuer ${url} is not a URL with a scheme`)
  const audience = text(fields, 'client-id', 'ClientID')
  if (audience === '') throw new IssuerConfigError(`the issuer ${url} needs a client-id, by custom sigstore`)
  const kind = parseKind(url, fields, isPattern, providers)
  if (kind.type !== 'email' && text(fields, 'issuer-claim', 'IssuerClaim') !== '')
    throw new IssuerConfigError(`only email issuers can use issuer claim mapping: ${url}`)
  return {
    url,
    isPattern,
    audience,
    kind,
    issuerType: text(fields, 'type', 'Type'),
    policy: parseOwnPolicy(url, fields, kind),
    challengeClaim:
      text(fields, 'challenge-claim', 'ChallengeClaim') || (kind.type === 'email' ? 'email' : 'sub'),
    subjectDomain: text(fields, 'subject-domain', 'SubjectDomain'),
    spiffeTrustDomain: text(fields, 'spiffe-trust-domain', 'SPIFFETrustDomain'),
    ...parseCaCertificate(url, fields, isPattern),
  }
}

function parseCaCertificate(
  url: string,
  fields: Fields,
  isPattern: boolean,
): Pick<IssuerEntry, 'caCertificate'> {
  const caCertificate = text(fields, 'ca-cert', 'CACert').trim()
  if (caCertificate === '') return {}
  try {
    parseCertificatesPem(caCertificate)
  } catch (cause) {
    const which = isPattern ? 'meta issuer' : 'issuer'
    throw new IssuerConfigError(`failed to parse CA certificate for ${which} ${url}`, { cause })
  }
  return { caCertificate }
}

/** Ours: Fulcio ignores names that it does not know. */
function parseOwnPolicy(url: string, fields: Fields, kind: IssuerKind): IssuancePolicy | undefined {
  const value = member(fields, 'policy', 'Policy')
  return value === undefined ? undefined : parsePolicy(value, url, providerNameOf(kind))
}

function parseKind(
  url: string,
  fields: Fields,
  isPattern: boolean,
  providers: ReadonlyMap<string, CiProvider>,
): IssuerKind {
  const type = text(fields, 'type', 'Type')
  const subjectDomain = text(fields, 'subject-domain', 'SubjectDomain')
  switch (type) {
    case 'email': {
      const claim = text(fields, 'issuer-claim', 'IssuerClaim')
      const skip = member(fields, 'skip-email-verification', 'SkipEmailVerification')
      return {
        type,
        issuerClaim: claim === '' ? undefined : attempt(url, () => parseIssuerClaim(claim)),
        skipEmailVerification: skip === true,
      }
    }
    case 'uri': {
      if (subjectDomain === '') throw new IssuerConfigError(`uri issuer must have SubjectDomain set: ${url}`)
      const domain = attempt(url, () => parseSubjectDomain(subjectDomain))
      if (!isPattern) attempt(url, () => assertSameDomain(subjectDomain, url))
      return { type, ...domain }
    }
    case 'username':
      if (subjectDomain === '')
        throw new IssuerConfigError(`username issuer must have SubjectDomain set: ${url}`)
      if (isUrlWithScheme(subjectDomain))
        throw new IssuerConfigError(`SubjectDomain for username should not contain scheme: ${url}`)
      if (!isPattern)
        attempt(url, () => assertSameDomain(`https://${subjectDomain}`, url, { schemes: false }))
      return { type, domain: subjectDomain }
    case 'spiffe': {
      if (isPattern) throw new IssuerConfigError(`SPIFFE meta issuers not supported: ${url}`)
      const trustDomain = text(fields, 'spiffe-trust-domain', 'SPIFFETrustDomain')
      if (trustDomain === '')
        throw new IssuerConfigError(`spiffe issuer must have SPIFFETrustDomain set: ${url}`)
      if (!isTrustDomain(trustDomain))
        throw new IssuerConfigError(`spiffe trust domain is invalid: ${trustDomain} of ${url}`)
      return { type, trustDomain }
    }
    case 'kubernetes':
      return { type }
    case 'ci-provider':
      return ciKind(url, fields, providers)
    case 'chainguard-identity':
      return { type }
    default:
      if (isDedicatedCiType(type)) return { type }
      // Fulcio starts with such an issuer, and then refuses each of its tokens.
      if (text(fields, 'challenge-claim', 'ChallengeClaim') === '')
        throw new IssuerConfigError(`issuer missing challenge claim: ${url} has the unknown type "${type}"`)
      return { type: 'unknown' }
  }
}

function ciKind(url: string, fields: Fields, providers: ReadonlyMap<string, CiProvider>): IssuerKind {
  const providerName = text(fields, 'ci-provider', 'CIProvider')
  const provider = providers.get(providerName)
  const own = stringMap(member(fields, 'default-template-values', 'DefaultTemplateValues'), url)
  return {
    type: 'ci-provider',
    providerName,
    provider: provider && { ...provider, defaults: new Map([...provider.defaults, ...own]) },
  }
}

function entriesOf(fields: Fields, yamlName: string, jsonName: string): readonly [string, unknown][] {
  const value = member(fields, yamlName, jsonName)
  return value === undefined || value === null ? [] : Object.entries(asFields(value, yamlName))
}

function text(fields: Fields, yamlName: string, jsonName: string): string {
  const value = member(fields, yamlName, jsonName)
  if (value === undefined || value === null) return ''
  if (typeof value !== 'string') throw new IssuerConfigError(`${yamlName} must be a text`)
  return value
}

/** Says which issuer a complaint is about. */
function attempt<T>(url: string, parse: () => T): T {
  try {
    return parse()
  } catch (cause) {
    const reason = reasonOf(cause)
    throw new IssuerConfigError(reason.includes(url) ? reason : `${reason} (issuer ${url})`, { cause })
  }
}
