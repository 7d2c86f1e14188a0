/**
 * The leaf writer: Fulcio's certificate profile as DER. Precertificate and final certificate are made of one
 * {@link LeafTemplate}, so they cannot differ in anything but poison and SCT list (RFC 6962 section 3.1).
 * Clock, serial number and signature come from the caller: the same input gives the same bytes.
 */
import {
  concatBytes,
  derTag,
  equalBytes,
  readDer,
  readDerChildren,
  readOnlyDer,
  type SignatureAlgorithm,
  shortLivedDer,
} from '@sigstack/crypto'
import type { Certificate } from './certificate.ts'
import { X509Error } from './errors.ts'
import { type Extension, encodeExtension } from './extension.ts'
import { encodeSan, type San } from './general-names.ts'
import { keyIdentifier } from './key-identifier.ts'
import { extensionOid } from './oids.ts'
import { assertSerialNumber } from './serial-number.ts'
import { certificateSignatureAlgorithm, encodeSignatureAlgorithm } from './signature-algorithm.ts'
import { encodeTime } from './time.ts'

/** Ten minutes, whoever asks: the constant of the Sigstore ecosystem. */
export const leafLifetimeSeconds = 600

export type LeafRequest = {
  /** Content octets, see `serialNumberFrom`. */
  readonly serialNumber: Uint8Array
  readonly issuer: Certificate
  /** Cut to whole seconds; notAfter follows ten minutes later. */
  readonly notBefore: Date
  /** DER SubjectPublicKeyInfo of the requester. */
  readonly publicKey: Uint8Array
  readonly subjectAlternativeName: San
  /** Behind the fixed ones, in this order: see `fulcioExtensions`. */
  readonly extensions: readonly Extension[]
}

export type LeafTemplate = {
  /** TBSCertificate content up to the extensions. */
  readonly head: Uint8Array
  /** Encoded extensions that both certificates share. */
  readonly extensions: Uint8Array
}

const version3 = Uint8Array.of(0xa0, 3, derTag.integer, 1, 2)
const emptySubject = Uint8Array.of(derTag.sequence, 0)

const digitalSignature = encodeExtension({
  oid: extensionOid.keyUsage,
  critical: true,
  value: Uint8Array.of(derTag.bitString, 2, 7, 0x80),
})
const codeSigning = encodeExtension({
  oid: extensionOid.extendedKeyUsage,
  critical: false,
  value: Uint8Array.of(0x30, 0x0a, 0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x03),
})
const poison = encodeExtension({
  oid: extensionOid.poison,
  critical: true,
  value: Uint8Array.of(derTag.null, 0),
})

/**
 * Throws an X509Error: `issuer_expires` where the issuer is not valid for the whole life of the leaf,
 * `missing_subject_key_identifier` where it has none to point at, `bad_name` for a SAN that cannot be written.
 */
export function leafTemplate(request: LeafRequest): LeafTemplate {
  const { issuer, serialNumber, publicKey } = request
  assertSerialNumber(serialNumber)
  const notBefore = new Date(Math.floor(request.notBefore.getTime() / 1000) * 1000)
  const notAfter = new Date(notBefore.getTime() + leafLifetimeSeconds * 1000)
  if (notBefore < issuer.notBefore || notAfter > issuer.notAfter)
    throw new X509Error(
      'issuer_expires',
      'the issuing certificate is not valid for the ten minutes of a new leaf',
    )
  const authority = issuer.subjectKeyIdentifier
  if (authority === undefined)
    throw new X509Error(
      'missing_subject_key_identifier',
      'the issuing certificate has no subject key identifier',
    )
  const head = concatBytes(
    version3,
    shortLivedDer(derTag.integer, serialNumber),
    encodeSignatureAlgorithm(certificateSignatureAlgorithm(issuer.publicKey)),
    issuer.subject,
    shortLivedDer(derTag.sequence, encodeTime(notBefore), encodeTime(notAfter)),
    emptySubject,
    readOnlyDer(publicKey, derTag.sequence).whole,
  )
  const extensions = concatBytes(
    digitalSignature,
    codeSigning,
    encodeExtension({
      oid: extensionOid.subjectKeyIdentifier,
      critical: false,
      value: shortLivedDer(derTag.octetString, keyIdentifier(publicKey)),
    }),
    encodeExtension({
      oid: extensionOid.authorityKeyIdentifier,
      critical: false,
      value: shortLivedDer(derTag.sequence, shortLivedDer(0x80, authority)),
    }),
    // Critical because the subject is empty (RFC 5280 section 4.2.1.6).
    encodeExtension({
      oid: extensionOid.subjectAlternativeName,
      critical: true,
      value: encodeSan(request.subjectAlternativeName),
    }),
    ...request.extensions.map(encodeExtension),
  )
  return { head, extensions }
}

export function precertificateTbs(template: LeafTemplate): Uint8Array {
  return tbs(template, poison)
}

/** `sctList` is the TLS SignedCertificateTimestampList; it is wrapped twice (RFC 6962 section 3.3). */
export function finalTbs(template: LeafTemplate, sctList: Uint8Array): Uint8Array {
  if (sctList.length < 4) throw new X509Error('bad_sct_list', 'the SCT list is empty')
  const value = shortLivedDer(derTag.octetString, sctList)
  return tbs(template, encodeExtension({ oid: extensionOid.sctList, critical: false, value }))
}

/** Without a CT log: the certificate as it stands, for a detached SCT. */
export function plainTbs(template: LeafTemplate): Uint8Array {
  return tbs(template, new Uint8Array())
}

/** A DER certificate of its signed part and the signature. Made often, and kept by few: see `shortLivedDer`. */
export function assembleCertificate(
  tbs: Uint8Array,
  signatureAlgorithm: SignatureAlgorithm,
  signature: Uint8Array,
): Uint8Array {
  const algorithm = encodeSignatureAlgorithm(signatureAlgorithm)
  const [, , inner] = readDerChildren(readDer(tbs).content, 10)
  if (inner === undefined || !equalBytes(inner.whole, algorithm))
    throw new X509Error(
      'unsupported_algorithm',
      `the certificate is not made to be signed with ${signatureAlgorithm}`,
    )
  return shortLivedDer(
    derTag.sequence,
    tbs,
    algorithm,
    shortLivedDer(derTag.bitString, Uint8Array.of(0), signature),
  )
}

function tbs({ head, extensions }: LeafTemplate, last: Uint8Array): Uint8Array {
  return shortLivedDer(
    derTag.sequence,
    head,
    shortLivedDer(0xa3, shortLivedDer(derTag.sequence, extensions, last)),
  )
}
