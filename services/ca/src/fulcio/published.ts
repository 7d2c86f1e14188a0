/** What the CA tells about itself, over HTTP and gRPC alike: chains and issuers. */
import { type Certificate, encodeCertificatePem } from '@sigstack/x509'
import type { IssuerEntry } from '../identity/identity.ts'

/** PEM with final line feed. */
export function chainsPem(chains: readonly (readonly Certificate[])[]): readonly (readonly string[])[] {
  return chains.map((chain) => chain.map(({ der }) => encodeCertificatePem(der)))
}

type DescribedIssuer = {
  readonly issuerUrl?: string
  readonly wildcardIssuerUrl?: string
  readonly audience: string
  readonly challengeClaim: string
  readonly spiffeTrustDomain: string
  readonly issuerType: string
  readonly subjectDomain: string
  readonly skipEmailVerification: boolean
}

/** Every plain field, also when empty, as protobuf JSON is written by Fulcio. */
export function describeIssuer(issuer: IssuerEntry): DescribedIssuer {
  return {
    ...(issuer.isPattern ? { wildcardIssuerUrl: issuer.url } : { issuerUrl: issuer.url }),
    audience: issuer.audience,
    challengeClaim: issuer.challengeClaim,
    spiffeTrustDomain: issuer.spiffeTrustDomain,
    issuerType: issuer.issuerType,
    subjectDomain: issuer.subjectDomain,
    skipEmailVerification: issuer.kind.type === 'email' && issuer.kind.skipEmailVerification,
  }
}
