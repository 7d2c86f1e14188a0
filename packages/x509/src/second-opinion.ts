import { equalBytes } from '@sigstack/crypto'
import type { Certificate } from './certificate.ts'
import { X509Error } from './errors.ts'

/**
 * Has an implementation that is not ours read a new CA certificate, since it will be trusted for years: it must find
 * the same names, key and constraints, and a signature that verifies. Loaded when asked for: ceremonies are rare.
 */
export async function assertReadsTheSame(certificate: Certificate, issuer: Certificate): Promise<void> {
  // @peculiar/x509 resolves its parts through decorators, which need this polyfill before it.
  await import('reflect-metadata')
  const library = await import('@peculiar/x509')
  const bytes = (der: Uint8Array): Uint8Array<ArrayBuffer> => Uint8Array.from(der)
  const read = new library.X509Certificate(bytes(certificate.der))
  const constraints = read.getExtension(library.BasicConstraintsExtension)
  const usages = read.getExtension(library.KeyUsagesExtension)
  const issuerKey = new library.PublicKey(bytes(issuer.spki))
  const agrees =
    equalBytes(new Uint8Array(read.subjectName.toArrayBuffer()), certificate.subject) &&
    equalBytes(new Uint8Array(read.issuerName.toArrayBuffer()), issuer.subject) &&
    equalBytes(new Uint8Array(read.publicKey.rawData), certificate.spki) &&
    constraints?.ca === true &&
    constraints.critical &&
    constraints.pathLength === certificate.pathLength &&
    usages?.usages === (library.KeyUsageFlags.keyCertSign | library.KeyUsageFlags.cRLSign) &&
    (await read.verify({ publicKey: issuerKey, signatureOnly: true }))
  if (!agrees)
    throw new X509Error(
      'bad_certificate',
      'the new CA certificate is read differently by a second implementation',
    )
}
