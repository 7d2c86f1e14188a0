import { equalBytes, type PublicKey } from '@sigstack/crypto'
import type { Certificate } from './certificate.ts'
import { isSelfSigned, verifyChain } from './chain.ts'
import { X509Error } from './errors.ts'
import { assertStrongKey } from './key-strength.ts'
import { leafLifetimeSeconds } from './leaf.ts'
import { extendedKeyUsageOid } from './oids.ts'

/**
 * What must hold of a CA's chain before it issues anything: issuing CA first, self-signed root last, valid for one
 * more leaf, made for code signing, of the signer's key, and with all that clients look for in it.
 */
export async function assertCaChain(
  chain: readonly Certificate[],
  signerPublicKey: Pick<PublicKey, 'spki'>,
  now: Date,
): Promise<void> {
  const [issuing] = chain
  const root = chain[chain.length - 1]
  if (issuing === undefined || root === undefined)
    throw new X509Error('empty_chain', 'certificate chain must contain at least one certificate')
  if (!issuing.isCa) throw new X509Error('not_a_ca', 'certificate is not a CA')
  const codeSigning = extendedKeyUsageOid.codeSigning
  await verifyChain(chain, { roots: [root], at: now, extendedKeyUsage: codeSigning })
  if (chain.length > 1 && !issuing.extendedKeyUsages.includes(codeSigning))
    throw new X509Error(
      'missing_code_signing',
      'certificate must have extended key usage code signing set to sign code signing certificates',
    )
  if (!equalBytes(issuing.spki, signerPublicKey.spki))
    throw new X509Error(
      'key_mismatch',
      'the signing key does not belong to the first certificate of the chain',
    )
  if (!(await isSelfSigned(root)))
    throw new X509Error(
      'root_not_self_signed',
      'the last certificate of the chain must be a self-signed root',
    )
  for (const [i, certificate] of chain.entries()) assertLink(certificate, chain[i + 1], i + 1)
  const end = new Date(now.getTime() + leafLifetimeSeconds * 1000)
  const first = chain.findIndex(({ notAfter }) => notAfter < end)
  if (first !== -1)
    throw new X509Error(
      'issuer_expires',
      `certificate ${first + 1} of the chain ends before a new leaf would`,
    )
}

function assertLink(certificate: Certificate, issuer: Certificate | undefined, position: number): void {
  const { publicKey, keyUsage, subjectKeyIdentifier, authorityKeyIdentifier } = certificate
  assertStrongKey(publicKey)
  if (keyUsage?.includes('keyCertSign') !== true)
    throw new X509Error(
      'missing_cert_sign',
      `certificate ${position} of the chain must have key usage certificate signing`,
    )
  // Without it leaves carry no authority key identifier, which sigstore-js and sigstore-python ask for.
  if (subjectKeyIdentifier === undefined)
    throw new X509Error(
      'missing_subject_key_identifier',
      `certificate ${position} of the chain must have a subject key identifier`,
    )
  if (issuer === undefined) return
  if (
    issuer.subjectKeyIdentifier !== undefined &&
    (authorityKeyIdentifier === undefined || !equalBytes(authorityKeyIdentifier, issuer.subjectKeyIdentifier))
  )
    throw new X509Error(
      'wrong_authority_key_identifier',
      `certificate ${position} of the chain does not name the key identifier of its issuer`,
    )
  if (publicKey.type !== issuer.publicKey.type)
    throw new X509Error(
      'mixed_algorithms',
      `the chain mixes kinds of keys: ${publicKey.type} below ${issuer.publicKey.type}`,
    )
}
