/** Certificate signing requests as the clients make them, built by hand. */
import { type KeyObject, sign } from 'node:crypto'
import { der, derOid, derTag, encodePem, utf8 } from '@sigstack/crypto'

const algorithms: Record<string, { oid: string; hash: string | null; null?: true }> = {
  'ecdsa-sha1': { oid: '1.2.840.10045.4.1', hash: 'sha1' },
  'ecdsa-sha256': { oid: '1.2.840.10045.4.3.2', hash: 'sha256' },
  'ecdsa-sha384': { oid: '1.2.840.10045.4.3.3', hash: 'sha384' },
  'rsa-sha256': { oid: '1.2.840.113549.1.1.11', hash: 'sha256', null: true },
  'rsa-sha512': { oid: '1.2.840.113549.1.1.13', hash: 'sha512', null: true },
  'rsa-pss': { oid: '1.2.840.113549.1.1.10', hash: 'sha256' },
  ed25519: { oid: '1.3.101.112', hash: null },
}

export type CertificateRequestOptions = {
  readonly spki: Uint8Array
  readonly privateKey: KeyObject
  readonly algorithm?: string
  /** As sigstore-rs does it: an emailAddress RDN as UTF8String. Otherwise the subject is empty. */
  readonly emailAddress?: string
  /** As sigstore-python does it: a requested BasicConstraints. */
  readonly basicConstraints?: boolean
  readonly pemType?: string
}

export function createCertificateRequest(options: CertificateRequestOptions): string {
  const { spki, privateKey, algorithm = 'ecdsa-sha256', emailAddress, basicConstraints = false } = options
  const { oid, hash, null: hasNull } = algorithms[algorithm]!
  const subject =
    emailAddress === undefined
      ? der(derTag.sequence)
      : der(
          derTag.sequence,
          der(
            derTag.set,
            der(derTag.sequence, derOid('1.2.840.113549.1.9.1'), der(derTag.utf8String, utf8(emailAddress))),
          ),
        )
  const extension = der(
    derTag.sequence,
    derOid('2.5.29.19'),
    der(derTag.boolean, Uint8Array.of(0xff)),
    der(derTag.octetString, der(derTag.sequence)),
  )
  const attributes = basicConstraints
    ? der(
        0xa0,
        der(
          derTag.sequence,
          derOid('1.2.840.113549.1.9.14'),
          der(derTag.set, der(derTag.sequence, extension)),
        ),
      )
    : der(0xa0)
  const info = der(derTag.sequence, Uint8Array.of(2, 1, 0), subject, spki, attributes)
  const signature = sign(hash, info, privateKey)
  const identifier = der(derTag.sequence, derOid(oid), ...(hasNull ? [Uint8Array.of(5, 0)] : []))
  const request = der(derTag.sequence, info, identifier, der(derTag.bitString, Uint8Array.of(0), signature))
  return encodePem(options.pemType ?? 'CERTIFICATE REQUEST', request)
}

/** As it travels in JSON. */
export const base64 = (text: string): string => Buffer.from(text).toString('base64')
