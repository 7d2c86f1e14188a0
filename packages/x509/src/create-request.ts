/** The request for a certificate of an intermediate, for a CA that is not ours to sign (RFC 2986). */
import { der, derOid, derTag, encodePem, type Signer } from '@sigstack/crypto'
import { caExtensions, codeSigning, nameAttribute, noCaBelow } from './authority.ts'
import { X509Error } from './errors.ts'
import { encodeExtension } from './extension.ts'
import { keyIdentifier } from './key-identifier.ts'
import { attributeOid, extensionOid } from './oids.ts'
import { parseCertificateRequest } from './request.ts'
import { encodeSignatureAlgorithm } from './signature-algorithm.ts'

export type CaRequest = {
  readonly signer: Signer
  readonly commonName: string
  readonly organization: string
}

const extensionRequest = '1.2.840.113549.1.9.14'

/** PEM. Asks for the extensions that an intermediate must have, so that a CA which copies them has nothing to configure. */
export async function createCaRequest({ signer, commonName, organization }: CaRequest): Promise<string> {
  const identifier = keyIdentifier(signer.publicKey.spki)
  // Who signs is not known yet, so no authority key identifier.
  const extensions = [...caExtensions(identifier, identifier, noCaBelow), codeSigning].filter(
    ({ oid }) => oid !== extensionOid.authorityKeyIdentifier,
  )
  const attribute = der(
    derTag.sequence,
    derOid(extensionRequest),
    der(derTag.set, der(derTag.sequence, ...extensions.map(encodeExtension))),
  )
  const info = der(
    derTag.sequence,
    der(derTag.integer, Uint8Array.of(0)),
    der(
      derTag.sequence,
      nameAttribute(attributeOid.organization, organization),
      nameAttribute(attributeOid.commonName, commonName),
    ),
    signer.publicKey.spki,
    der(0xa0, attribute),
  )
  const signature = await signer.sign(info)
  const request = der(
    derTag.sequence,
    info,
    encodeSignatureAlgorithm(signer.algorithm),
    der(derTag.bitString, Uint8Array.of(0), signature),
  )
  if (!(await parseCertificateRequest(request).verifySelfSignature()))
    throw new X509Error(
      'bad_signature',
      'the signer made a signature that its own public key does not verify',
    )
  return encodePem('CERTIFICATE REQUEST', request)
}
