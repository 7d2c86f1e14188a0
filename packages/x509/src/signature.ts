import { derTag, type PublicKey, readDer, verifySignature } from '@sigstack/crypto'
import type { Certificate } from './certificate.ts'
import { schemeOf } from './signature-algorithm.ts'

/**
 * Whether the certificate is signed with the key of `issuer`; names and validity are not looked at. ECDSA, RSA
 * PKCS#1 v1.5 and Ed25519 with SHA-2; everything else, SHA-1 and PSS among it, is `false`.
 */
export async function verifyCertificateSignature(
  certificate: Certificate,
  issuer: Pick<Certificate, 'publicKey'>,
): Promise<boolean> {
  return verifyX509Signature(certificate.tbs, certificate, issuer.publicKey)
}

/** Whether `signed` was signed with `key`, in the way that certificates and requests name and encode. */
export async function verifyX509Signature(
  signed: Uint8Array,
  { signatureAlgorithmOid, signature }: Pick<Certificate, 'signatureAlgorithmOid' | 'signature'>,
  key: PublicKey,
): Promise<boolean> {
  const scheme = schemeOf(signatureAlgorithmOid)
  if (scheme === undefined || scheme.key !== key.type) return false
  // Clients send r‖s elsewhere, but X.509 knows DER alone.
  if (key.type === 'ecdsa' && !isWholeSequence(signature)) return false
  return verifySignature(key, scheme.hash, signed, signature)
}

function isWholeSequence(bytes: Uint8Array): boolean {
  try {
    const { tag, whole } = readDer(bytes)
    return tag === derTag.sequence && whole.length === bytes.length
  } catch {
    return false
  }
}
