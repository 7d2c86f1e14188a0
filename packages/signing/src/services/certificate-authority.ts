/** A certificate for a key whose holder an identity token names (Fulcio's `api/v2/signingCert`). */
import { memberAt, parsePemBlocks, toBase64, withoutEnd } from '@sigstack/crypto'
import { type Exchange, jsonOf, post, ServiceError } from './ask-service.ts'

const timeoutMs = 30_000
/** A leaf, and no chain is longer. */
const mostCertificates = 11

export type CertificateRequest = {
  readonly identityToken: string
  readonly publicKeyPem: string
  /** Signature over the token's subject. */
  readonly proofOfPossession: Uint8Array
}

/** DER. */
export type CertificateChain = {
  readonly leaf: Uint8Array
  /** From the one above the leaf to the root, which may be left out. */
  readonly issuers: readonly Uint8Array[]
}

/** Throws {@link ServiceError}. */
export async function requestCertificate(
  caUrl: string,
  { identityToken, publicKeyPem, proofOfPossession }: CertificateRequest,
  exchange: Exchange,
): Promise<CertificateChain> {
  const body = {
    credentials: { oidcIdentityToken: identityToken },
    publicKeyRequest: {
      publicKey: { algorithm: 'ECDSA', content: publicKeyPem },
      proofOfPossession: toBase64(proofOfPossession),
    },
  }
  const answer = await post(`${withoutEnd(caUrl, '/')}/api/v2/signingCert`, body, { timeoutMs, exchange })
  const issued = jsonOf(answer)
  const signed =
    memberAt(issued, 'signedCertificateEmbeddedSct') ?? memberAt(issued, 'signedCertificateDetachedSct')
  const certificates = memberAt(memberAt(signed, 'chain'), 'certificates')
  try {
    const [leaf, ...issuers] = parsePemBlocks(
      (Array.isArray(certificates) ? certificates : []).join('\n'),
      mostCertificates,
    ).map(({ der }) => der)
    if (leaf !== undefined) return { leaf, issuers }
  } catch {
    // Told below.
  }
  throw new ServiceError('it answers without a certificate', answer.status)
}
