/**
 * Certificates of authorities are the same in every verification against one trusted root: each is read once, and what its signature
 * came to is remembered as long as it is. Neither depends on a time. A root that is read anew begins anew.
 */
import { type Certificate, parseCertificate, verifyCertificateSignature } from '@sigstack/x509'

const chains = new WeakMap<readonly Uint8Array[], readonly Certificate[]>()

/** `chain`: DER, which does not change. */
export function parsedChain(chain: readonly Uint8Array[]): readonly Certificate[] {
  const known = chains.get(chain)
  if (known !== undefined) return known
  const certificates = chain.map(parseCertificate)
  chains.set(chain, certificates)
  return certificates
}

const verdicts = new WeakMap<Certificate, WeakMap<Certificate, Promise<boolean>>>()

/** As `verifyCertificateSignature`, which is asked once about each two. */
export function isSignedBy(certificate: Certificate, issuer: Certificate): Promise<boolean> {
  const issuers = verdicts.get(certificate) ?? new WeakMap<Certificate, Promise<boolean>>()
  verdicts.set(certificate, issuers)
  const verdict = issuers.get(issuer) ?? verifyCertificateSignature(certificate, issuer)
  issuers.set(issuer, verdict)
  return verdict
}
