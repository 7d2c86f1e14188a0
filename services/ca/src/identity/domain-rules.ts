/** Which subjects an issuer of type uri or username may speak for: those of its own domain. */
import { escaped } from '@sigstack/crypto'

const schemeAndRest = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/([^/?#]*)/

export function isUrlWithScheme(text: string): boolean {
  return schemeAndRest.test(text)
}

/** Scheme in lower case and host without port of a subject-domain like `https://example.com`. */
export function parseSubjectDomain(text: string): { readonly scheme: string; readonly hostname: string } {
  const parts = split(text)
  if (parts === undefined) throw new Error('SubjectDomain for uri must contain scheme')
  return parts
}

/**
 * Throws unless both URLs have the same scheme (where that matters) and the same host, or hosts with the same last two
 * labels. That rule knows no public suffixes: two names under `co.uk` pass.
 */
export function assertSameDomain(subjectUrl: string, issuerUrl: string, { schemes = true } = {}): void {
  const subject = split(subjectUrl)
  const issuer = split(issuerUrl)
  if (issuer === undefined) throw new Error('issuer for uri must contain scheme')
  if (subject === undefined) throw new Error('SubjectDomain for uri must contain scheme')
  if (schemes && subject.scheme !== issuer.scheme)
    throw new Error(
      `subject (${escaped(subject.scheme)}) and issuer (${escaped(issuer.scheme)}) URI schemes do not match`,
    )
  if (subject.hostname === issuer.hostname) return
  if (lastTwoLabels(subject.hostname) !== lastTwoLabels(issuer.hostname))
    throw new Error(
      `hostname top-level and second-level domains do not match: ${escaped(subject.hostname)}, ${escaped(issuer.hostname)}`,
    )
}

function lastTwoLabels(hostname: string): string {
  const labels = hostname.split('.')
  if (labels.length < 2) throw new Error(`URI hostname too short: ${escaped(hostname)}`)
  return labels.slice(-2).join('.')
}

function split(url: string): { scheme: string; hostname: string } | undefined {
  const [, scheme, authority] = schemeAndRest.exec(url) ?? []
  if (scheme === undefined || authority === undefined) return undefined
  const hostname = authority.replace(/^.*@/, '').replace(/:[0-9]*$/, '')
  return { scheme: scheme.toLowerCase(), hostname }
}
