/**
 * X.509 certificates (RFC 5280 section 4.1), read by a bounded walk over the DER. What is refused is refused with an
 * X509Error or a CryptoError. Byte strings of a {@link Certificate} are views of the bytes it was parsed from.
 */
import {
  type DerElement,
  derTag,
  equalBytes,
  oidOf,
  type PublicKey,
  parsePublicKey,
  readDer,
  readOnlyDer,
} from '@sigstack/crypto'
import { X509Error } from './errors.ts'
import {
  type Extension,
  type KeyUsage,
  parseAuthorityKeyIdentifier,
  parseBasicConstraints,
  parseExtendedKeyUsage,
  parseExtensions,
  parseKeyUsage,
} from './extension.ts'
import { extensionOid } from './oids.ts'
import { parseTime } from './time.ts'

export type Certificate = {
  readonly der: Uint8Array
  /** The TBSCertificate, tag and length included: what the signature covers. */
  readonly tbs: Uint8Array
  /** Content octets of the INTEGER. */
  readonly serialNumber: Uint8Array
  /** DER Name. */
  readonly issuer: Uint8Array
  /** DER Name. */
  readonly subject: Uint8Array
  readonly notBefore: Date
  readonly notAfter: Date
  /** DER SubjectPublicKeyInfo. */
  readonly spki: Uint8Array
  /** Parsed when first asked for; throws a CryptoError for a key of a kind that is not supported. */
  readonly publicKey: PublicKey
  readonly extensions: readonly Extension[]
  /** Without the count of unused bits. */
  readonly signature: Uint8Array
  readonly signatureAlgorithmOid: string
  readonly subjectKeyIdentifier?: Uint8Array
  readonly authorityKeyIdentifier?: Uint8Array
  readonly isCa: boolean
  readonly pathLength?: number
  /** Absent means unrestricted. */
  readonly keyUsage?: readonly KeyUsage[]
  /** Dotted OIDs; none means unrestricted. */
  readonly extendedKeyUsages: readonly string[]
}

/** Certificates larger than this are refused unread. */
const maximumBytes = 64 * 1024

type Outline = {
  readonly tbs: DerElement
  /** Of the TBSCertificate after the optional version: serial, algorithm, issuer, validity, subject, key, ... */
  readonly fields: readonly DerElement[]
  readonly algorithm: DerElement
  readonly signature: DerElement
}

/** The DER SubjectPublicKeyInfo and nothing else: a few microseconds, where a library takes hundreds. */
export function certificateSpki(der: Uint8Array): Uint8Array {
  return spkiOf(outlineOf(der))
}

export function parseCertificate(der: Uint8Array): Certificate {
  const { tbs, fields, algorithm, signature } = outlineOf(der)
  const [serial, innerAlgorithm, issuer, validity, subject] = fields
  if (
    serial?.tag !== derTag.integer ||
    serial.content.length === 0 ||
    innerAlgorithm?.tag !== derTag.sequence ||
    issuer?.tag !== derTag.sequence ||
    validity?.tag !== derTag.sequence ||
    subject?.tag !== derTag.sequence
  )
    throw malformed()
  // RFC 5280 section 4.1.1.2: what is signed about the algorithm must be what is said outside.
  if (!equalBytes(innerAlgorithm.whole, algorithm.whole))
    throw new X509Error('bad_certificate', 'the certificate names two different signature algorithms')
  const [notBefore, notAfter, surplus] = validity.children(3)
  if (surplus !== undefined) throw malformed()
  const [algorithmId] = algorithm.children(2)
  if (algorithmId?.tag !== derTag.oid || signature.content[0] !== 0) throw malformed()
  const spki = spkiOf({ fields })
  const extensions = extensionsOf(fields)
  let publicKey: PublicKey | undefined
  return {
    ...meaningOf(extensions),
    der,
    tbs: tbs.whole,
    serialNumber: serial.content,
    issuer: issuer.whole,
    subject: subject.whole,
    notBefore: parseTime(notBefore),
    notAfter: parseTime(notAfter),
    spki,
    get publicKey() {
      publicKey ??= parsePublicKey(spki)
      return publicKey
    },
    extensions,
    signature: signature.content.subarray(1),
    signatureAlgorithmOid: oidOf(algorithmId.content),
  }
}

/** The value of the extension `oid`, where the certificate has it. */
export function extensionValue(
  certificate: Pick<Certificate, 'extensions'>,
  oid: string,
): Uint8Array | undefined {
  return certificate.extensions.find((extension) => extension.oid === oid)?.value
}

/** The extensions of a DER certificate, without the rest. */
export function certificateExtensions(der: Uint8Array): readonly Extension[] {
  return extensionsOf(outlineOf(der).fields)
}

function outlineOf(bytes: Uint8Array): Outline {
  if (bytes.length > maximumBytes)
    throw new X509Error(
      'bad_certificate',
      `a certificate may have ${maximumBytes} bytes, this one has ${bytes.length}`,
    )
  const [tbs, algorithm, signature, surplus] = readOnlyDer(bytes, derTag.sequence).children(4)
  if (
    tbs?.tag !== derTag.sequence ||
    algorithm?.tag !== derTag.sequence ||
    signature?.tag !== derTag.bitString ||
    surplus !== undefined
  )
    throw malformed()
  const all = tbs.children(10)
  // The version is [0] EXPLICIT and left out in certificates of version 1.
  const fields = all[0]?.tag === 0xa0 ? all.slice(1) : all
  return { tbs, fields, algorithm, signature }
}

function spkiOf({ fields }: Pick<Outline, 'fields'>): Uint8Array {
  const key = fields[5]
  if (key?.tag !== derTag.sequence || readDer(key.content).tag !== derTag.sequence) throw malformed()
  return key.whole
}

function extensionsOf(fields: readonly DerElement[]): readonly Extension[] {
  // After the key come issuerUniqueID [1], subjectUniqueID [2] and extensions [3], each optional.
  let last = 0xa0
  let extensions: readonly Extension[] = []
  for (const { tag, content } of fields.slice(6)) {
    const order = tag | 0x20
    if (order <= last || order > 0xa3) throw malformed()
    last = order
    if (tag === 0xa3) extensions = parseExtensions(content)
  }
  return extensions
}

type Meaning = Pick<
  Certificate,
  'subjectKeyIdentifier' | 'authorityKeyIdentifier' | 'isCa' | 'pathLength' | 'keyUsage' | 'extendedKeyUsages'
>

function meaningOf(extensions: readonly Extension[]): Meaning {
  const meaning: { -readonly [name in keyof Meaning]: Meaning[name] } = { isCa: false, extendedKeyUsages: [] }
  for (const { oid, value } of extensions) {
    switch (oid) {
      case extensionOid.basicConstraints:
        Object.assign(meaning, parseBasicConstraints(value))
        break
      case extensionOid.keyUsage:
        meaning.keyUsage = parseKeyUsage(value)
        break
      case extensionOid.extendedKeyUsage:
        meaning.extendedKeyUsages = parseExtendedKeyUsage(value)
        break
      case extensionOid.subjectKeyIdentifier:
        meaning.subjectKeyIdentifier = readOnlyDer(value, derTag.octetString).content
        break
      case extensionOid.authorityKeyIdentifier: {
        const authorityKeyIdentifier = parseAuthorityKeyIdentifier(value)
        if (authorityKeyIdentifier !== undefined) meaning.authorityKeyIdentifier = authorityKeyIdentifier
      }
    }
  }
  return meaning
}

function malformed(): X509Error {
  return new X509Error('bad_certificate', 'the bytes are not an X.509 certificate')
}
