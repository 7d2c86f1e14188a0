/**
 * CA ceremonies: roots and intermediates after the architecture's certificate profile (critical basicConstraints and
 * keyUsage, key identifiers on both, codeSigning on the intermediate), and the certificate that a timestamp authority
 * signs with. Clock and serial number come from the caller.
 */
import {
  concatBytes,
  der,
  derOid,
  derTag,
  equalBytes,
  oidOf,
  type PublicKey,
  readDerChildren,
  readOnlyDer,
  type Signer,
  utf8,
} from '@sigstack/crypto'
import { type Certificate, parseCertificate } from './certificate.ts'
import { X509Error } from './errors.ts'
import { type Extension, encodeExtension } from './extension.ts'
import { keyIdentifier } from './key-identifier.ts'
import { assembleCertificate } from './leaf.ts'
import { attributeOid, extendedKeyUsageOid, extensionOid } from './oids.ts'
import { assertReadsTheSame } from './second-opinion.ts'
import { assertSerialNumber } from './serial-number.ts'
import { verifyCertificateSignature } from './signature.ts'
import { encodeSignatureAlgorithm } from './signature-algorithm.ts'
import { encodeTime } from './time.ts'

export type RootRequest = {
  readonly signer: Signer
  readonly commonName: string
  readonly organization: string
  readonly notBefore: Date
  readonly notAfter: Date
  readonly serialNumber: Uint8Array
}

export type IntermediateRequest = {
  /** For what the leaves below it are; default code signing. */
  readonly use?: 'codeSigning' | 'timeStamping'
  readonly root: Certificate
  readonly rootSigner: Signer
  readonly publicKey: Pick<PublicKey, 'spki'>
  /** The organization is the root's. */
  readonly commonName: string
  readonly notBefore: Date
  /** Cut to the root's where it is later. */
  readonly notAfter: Date
  readonly serialNumber: Uint8Array
}

/** keyCertSign and cRLSign, the last of the seven bits used. */
const caKeyUsage = Uint8Array.of(derTag.bitString, 2, 1, 0x06)
const digitalSignature = Uint8Array.of(derTag.bitString, 2, 7, 0x80)
const isCa = Uint8Array.of(derTag.boolean, 1, 0xff)
export const noCaBelow = Uint8Array.of(derTag.integer, 1, 0)

export const codeSigning = extendedKeyUsage('codeSigning', false)

function extendedKeyUsage(use: 'codeSigning' | 'timeStamping', critical: boolean): Extension {
  return {
    oid: extensionOid.extendedKeyUsage,
    critical,
    value: der(derTag.sequence, derOid(extendedKeyUsageOid[use])),
  }
}

/** A self-signed root without a path length, verified before it is handed out. */
export async function createRoot(request: RootRequest): Promise<Certificate> {
  const { signer } = request
  const subject = der(
    derTag.sequence,
    nameAttribute(attributeOid.organization, request.organization),
    nameAttribute(attributeOid.commonName, request.commonName),
  )
  const identifier = keyIdentifier(signer.publicKey.spki)
  const root = await sign(signer, {
    ...request,
    issuer: subject,
    subject,
    spki: signer.publicKey.spki,
    extensions: caExtensions(identifier, identifier, new Uint8Array()),
  })
  await assertReadsTheSame(root, root)
  return root
}

/** An intermediate that may issue leaves only, for one use only. */
export async function createIntermediate(request: IntermediateRequest): Promise<Certificate> {
  const { root, rootSigner, publicKey, use = 'codeSigning' } = request
  const own = keyIdentifier(publicKey.spki)
  const identifier = issuerIdentifier(root, rootSigner, 'root')
  const intermediate = await sign(rootSigner, {
    ...below(root, request, 'the intermediate would begin outside the validity of its root'),
    extensions: [...caExtensions(own, identifier, noCaBelow), extendedKeyUsage(use, false)],
  })
  await assertReadsTheSame(intermediate, root)
  return intermediate
}

export type StampingCertificateRequest = {
  readonly issuer: Certificate
  readonly issuerSigner: Signer
  readonly publicKey: Pick<PublicKey, 'spki'>
  /** The organization is the issuer's. */
  readonly commonName: string
  readonly notBefore: Date
  /** Cut to the issuer's where it is later. */
  readonly notAfter: Date
  readonly serialNumber: Uint8Array
}

/** What a timestamp authority signs with: no CA, and for time stamping alone (RFC 3161 section 2.3). */
export function createStampingCertificate(request: StampingCertificateRequest): Promise<Certificate> {
  const { issuer, issuerSigner, publicKey } = request
  const identifier = issuerIdentifier(issuer, issuerSigner, 'issuing')
  const [subjectKeyIdentifier, authorityKeyIdentifier] = identifierExtensions(
    keyIdentifier(publicKey.spki),
    identifier,
  )
  return sign(issuerSigner, {
    ...below(issuer, request, 'the certificate would begin outside the validity of its issuer'),
    extensions: [
      { oid: extensionOid.keyUsage, critical: true, value: digitalSignature },
      extendedKeyUsage('timeStamping', true),
      subjectKeyIdentifier,
      authorityKeyIdentifier,
    ],
  })
}

function issuerIdentifier(issuer: Certificate, signer: Signer, which: 'root' | 'issuing'): Uint8Array {
  if (!equalBytes(issuer.spki, signer.publicKey.spki))
    throw new X509Error('key_mismatch', `the signing key does not belong to the ${which} certificate`)
  if (!issuer.isCa) throw new X509Error('not_a_ca', 'certificate is not a CA')
  if (issuer.subjectKeyIdentifier === undefined)
    throw new X509Error(
      'missing_subject_key_identifier',
      `the ${which} certificate must have a subject key identifier`,
    )
  return issuer.subjectKeyIdentifier
}

/** What a certificate has of the one above it. */
function below(
  issuer: Certificate,
  request: Pick<IntermediateRequest, 'publicKey' | 'commonName' | 'notBefore' | 'notAfter' | 'serialNumber'>,
  tooEarly: string,
): Omit<Draft, 'extensions'> {
  if (request.notBefore < issuer.notBefore || request.notBefore > issuer.notAfter)
    throw new X509Error('not_valid_now', tooEarly)
  return {
    serialNumber: request.serialNumber,
    notBefore: request.notBefore,
    notAfter: request.notAfter < issuer.notAfter ? request.notAfter : issuer.notAfter,
    issuer: issuer.subject,
    subject: der(
      derTag.sequence,
      ...organizationOf(issuer.subject),
      nameAttribute(attributeOid.commonName, request.commonName),
    ),
    spki: request.publicKey.spki,
  }
}

type Draft = {
  readonly serialNumber: Uint8Array
  readonly notBefore: Date
  readonly notAfter: Date
  readonly issuer: Uint8Array
  readonly subject: Uint8Array
  readonly spki: Uint8Array
  readonly extensions: readonly Extension[]
}

async function sign(signer: Signer, draft: Draft): Promise<Certificate> {
  assertSerialNumber(draft.serialNumber)
  if (draft.notAfter <= draft.notBefore)
    throw new X509Error('bad_time', 'a certificate must end later than it begins')
  const tbs = der(
    derTag.sequence,
    Uint8Array.of(0xa0, 3, derTag.integer, 1, 2),
    der(derTag.integer, draft.serialNumber),
    encodeSignatureAlgorithm(signer.algorithm),
    draft.issuer,
    der(derTag.sequence, encodeTime(draft.notBefore), encodeTime(draft.notAfter)),
    draft.subject,
    draft.spki,
    der(0xa3, der(derTag.sequence, ...draft.extensions.map(encodeExtension))),
  )
  const certificate = parseCertificate(assembleCertificate(tbs, signer.algorithm, await signer.sign(tbs)))
  if (!(await verifyCertificateSignature(certificate, signer)))
    throw new X509Error(
      'bad_signature',
      'the signer made a signature that its own public key does not verify',
    )
  return certificate
}

export function caExtensions(
  own: Uint8Array,
  authority: Uint8Array,
  pathLength: Uint8Array,
): readonly Extension[] {
  return [
    { oid: extensionOid.keyUsage, critical: true, value: caKeyUsage },
    {
      oid: extensionOid.basicConstraints,
      critical: true,
      value: der(derTag.sequence, isCa, pathLength),
    },
    ...identifierExtensions(own, authority),
  ]
}

function identifierExtensions(own: Uint8Array, authority: Uint8Array): readonly [Extension, Extension] {
  return [
    { oid: extensionOid.subjectKeyIdentifier, critical: false, value: der(derTag.octetString, own) },
    {
      oid: extensionOid.authorityKeyIdentifier,
      critical: false,
      value: der(derTag.sequence, der(0x80, authority)),
    },
  ]
}

/** One RelativeDistinguishedName. RFC 5280 appendix A allows 64 characters in these two. */
export function nameAttribute(oid: string, text: string): Uint8Array {
  if (text === '' || text.length > 64 || !text.isWellFormed())
    throw new X509Error('bad_name', 'the names of a CA have 1 to 64 characters')
  return der(derTag.set, der(derTag.sequence, derOid(oid), der(derTag.utf8String, utf8(text))))
}

/** The organization of a DER Name as it is encoded there, so that both certificates agree byte for byte. */
function organizationOf(name: Uint8Array): readonly Uint8Array[] {
  const parts = readDerChildren(readOnlyDer(name, derTag.sequence).content)
  return parts
    .filter(({ content }) => {
      const [type] = readDerChildren(readOnlyDer(content, derTag.sequence).content, 2)
      return type?.tag === derTag.oid && oidOf(type.content) === attributeOid.organization
    })
    .map(({ whole }) => concatBytes(whole))
}
