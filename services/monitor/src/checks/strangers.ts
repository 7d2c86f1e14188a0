/** Certificates in the CT log of an instance that no authority of its trusted root has issued. */

import { CryptoError, equalBytes, sha256 } from '@sigstack/crypto'
import { CtError, parseMerkleTreeLeaf } from '@sigstack/ct'
import type { TrustedRoot } from '@sigstack/trust-root'
import { parseCertificate, X509Error } from '@sigstack/x509'
import type { StoredLeaf } from '../following/source.ts'

/**
 * The places among `leaves` of those whose issuer is none of the root's authorities, old ones included. A precertificate names its issuer
 * by the hash of the key, which stands in what the log has signed; a certificate by the identifier of the key. What cannot be read is
 * none of them either.
 */
export function strangersIn(
  leaves: readonly StoredLeaf[],
  { certificateAuthorities }: TrustedRoot,
): readonly number[] {
  const authorities = certificateAuthorities.flatMap(({ chain }) => chain).map(parseCertificate)
  const keyHashes = authorities.map(({ spki }) => sha256(spki))
  const identifiers = authorities.flatMap(({ subjectKeyIdentifier }) => subjectKeyIdentifier ?? [])
  const isOurs = ({ leaf }: StoredLeaf): boolean => {
    const { entry } = parseMerkleTreeLeaf(leaf)
    if (entry.type === 'precert') return keyHashes.some((hash) => equalBytes(hash, entry.issuerKeyHash))
    const { authorityKeyIdentifier: issuer } = parseCertificate(entry.certificate)
    return issuer !== undefined && identifiers.some((identifier) => equalBytes(identifier, issuer))
  }
  return leaves.flatMap((stored, at) => (isReadableAnd(() => isOurs(stored)) ? [] : [at]))
}

function isReadableAnd(isOurs: () => boolean): boolean {
  try {
    return isOurs()
  } catch (error) {
    if (error instanceof CtError || error instanceof X509Error || error instanceof CryptoError) return false
    throw error
  }
}
