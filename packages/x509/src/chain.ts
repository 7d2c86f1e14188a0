/** Certificate chains, leaf first, each certificate signed by the next (RFC 5280 section 6, the part Sigstore uses). */
import { equalBytes } from '@sigstack/crypto'
import type { Certificate } from './certificate.ts'
import { X509Error } from './errors.ts'
import { extendedKeyUsageOid, extensionOid } from './oids.ts'
import { verifyCertificateSignature } from './signature.ts'

export type ChainRequirements = {
  /** Trusted as they are. One of them ends the chain, or has signed its last certificate. */
  readonly roots: readonly Certificate[]
  /** When all certificates must be valid. Needed unless `checkValidity` is false. */
  readonly at?: Date
  readonly checkValidity?: boolean
  /** An OID that every certificate of the chain which restricts its use must allow. */
  readonly extendedKeyUsage?: string
  /**
   * `false`: path lengths, keyUsage and unknown critical extensions are not looked at, as CT logs do on purpose
   * (they record what was issued, good or bad). That an issuer is a CA is always required.
   */
  readonly checkConstraints?: boolean
  /** `verifyCertificateSignature`, or what remembers its verdicts. */
  readonly isSignedBy?: (certificate: Certificate, issuer: Certificate) => Promise<boolean>
}

const chainLimit = 10

/** Critical extensions whose meaning is known here or, as that of the SAN, changes nothing about the chain. A poison is not among them. */
const understood: ReadonlySet<string> = new Set([
  extensionOid.basicConstraints,
  extensionOid.keyUsage,
  extensionOid.extendedKeyUsage,
  extensionOid.subjectAlternativeName,
])

/**
 * The chain from leaf to root, with the root at its end also where it was left out. The certificates must stand in
 * order; among issuers of one name the one whose key made the signature counts. Throws an X509Error.
 */
export async function verifyChain(
  chain: readonly Certificate[],
  requirements: ChainRequirements,
): Promise<readonly Certificate[]> {
  const { isSignedBy = verifyCertificateSignature } = requirements
  const [leaf] = chain
  const last = chain[chain.length - 1]
  if (leaf === undefined || last === undefined)
    throw new X509Error('empty_chain', 'certificate chain must contain at least one certificate')
  if (chain.length > chainLimit)
    throw new X509Error(
      'chain_too_long',
      `a certificate chain may have ${chainLimit} certificates, not ${chain.length}`,
    )
  // Cheap refusals come before the signatures.
  for (const [i, issuer] of chain.entries()) {
    const issued = chain[i - 1]
    if (issued !== undefined) assertNamesMatch(issued, issuer, i)
  }
  const root =
    requirements.roots.find(({ der }) => equalBytes(der, last.der)) ??
    (await findIssuer(last, requirements.roots, isSignedBy))
  const whole = root.der === last.der || equalBytes(root.der, last.der) ? chain : [...chain, root]
  for (const [i, issuer] of whole.entries()) {
    const issued = whole[i - 1]
    if (issued === undefined) continue
    if (!issuer.isCa)
      throw new X509Error('not_a_ca', `certificate ${i + 1} of the chain is not a CA but has issued one`)
    if (i < chain.length && !(await isSignedBy(issued, issuer)))
      throw new X509Error(
        'bad_signature',
        `certificate ${i} of the chain is not signed by the key of certificate ${i + 1}`,
      )
  }
  if (requirements.checkValidity !== false) assertValidAt(whole, requirements.at)
  if (requirements.checkConstraints !== false) assertConstraints(whole)
  if (requirements.extendedKeyUsage !== undefined)
    assertExtendedKeyUsage(whole, requirements.extendedKeyUsage)
  return whole
}

/** Whether the certificate is signed with its own key. */
export async function isSelfSigned(certificate: Certificate): Promise<boolean> {
  return (
    equalBytes(certificate.subject, certificate.issuer) &&
    (await verifyCertificateSignature(certificate, certificate))
  )
}

async function findIssuer(
  certificate: Certificate,
  roots: readonly Certificate[],
  isSignedBy: NonNullable<ChainRequirements['isSignedBy']>,
): Promise<Certificate> {
  let named = false
  for (const root of roots) {
    if (!equalBytes(root.subject, certificate.issuer)) continue
    named = true
    if (await isSignedBy(certificate, root)) return root
  }
  throw named
    ? new X509Error(
        'bad_signature',
        'the chain names a trusted root, but the key of that root has not signed it',
      )
    : new X509Error('untrusted_chain', 'the certificate chain leads to no trusted root')
}

function assertNamesMatch(issued: Certificate, issuer: Certificate, position: number): void {
  if (equalBytes(issued.der, issuer.der))
    throw new X509Error('untrusted_chain', `certificate ${position} of the chain is sent twice`)
  if (!equalBytes(issued.issuer, issuer.subject))
    throw new X509Error(
      'untrusted_chain',
      `certificate ${position + 1} of the chain is not the issuer that certificate ${position} names`,
    )
}

function assertValidAt(chain: readonly Certificate[], at: Date | undefined): void {
  if (at === undefined) throw new Error('verifyChain needs the time at which the chain is to be valid')
  for (const [i, { notBefore, notAfter }] of chain.entries()) {
    if (at < notBefore || at > notAfter)
      throw new X509Error(
        'not_valid_now',
        `certificate ${i + 1} of the chain is valid from ${notBefore.toISOString()} to ${notAfter.toISOString()}, not at ${at.toISOString()}`,
      )
  }
}

function assertConstraints(chain: readonly Certificate[]): void {
  let below = 0
  for (const [i, certificate] of chain.entries()) {
    const unknown = certificate.extensions.find(({ oid, critical }) => critical && !understood.has(oid))
    if (unknown !== undefined)
      throw new X509Error(
        'unknown_critical_extension',
        `certificate ${i + 1} of the chain has the critical extension ${unknown.oid}, which is not understood`,
      )
    if (i === 0) continue
    if (certificate.keyUsage !== undefined && !certificate.keyUsage.includes('keyCertSign'))
      throw new X509Error('missing_cert_sign', `certificate ${i + 1} of the chain may not sign certificates`)
    if (certificate.pathLength !== undefined && below > certificate.pathLength)
      throw new X509Error(
        'path_too_long',
        `certificate ${i + 1} of the chain allows ${certificate.pathLength} CAs below it, there are ${below}`,
      )
    // RFC 5280 section 6.1.4 (l): a CA that issues to its own name does not count.
    if (!equalBytes(certificate.subject, certificate.issuer)) below++
  }
}

function assertExtendedKeyUsage(chain: readonly Certificate[], usage: string): void {
  for (const [i, { extendedKeyUsages }] of chain.entries()) {
    const restricted = extendedKeyUsages.length > 0
    if (
      restricted &&
      !extendedKeyUsages.includes(usage) &&
      !extendedKeyUsages.includes(extendedKeyUsageOid.any)
    )
      throw new X509Error(
        'wrong_extended_key_usage',
        `certificate ${i + 1} of the chain lacks the extended key usage ${usage}`,
      )
  }
}
