/** CMS SignedData (RFC 5652) in DER, and PKCS#7 as JAR files hold it, read by the library: the parts that a signature check needs. */
import { der, derTag, oidOf } from '@sigstack/crypto'
import { TimestampError } from '../errors.ts'
import { signedDataOid } from '../oids.ts'
import { type Element, readElement } from './element.ts'

export type SignedData = {
  /** Of the encapsulated content, in dotted form. */
  readonly contentType: string
  /** Absent where the signature is detached. */
  readonly content: Uint8Array | undefined
  /** DER certificates in the order in which they stand. */
  readonly certificates: readonly Uint8Array[]
  readonly signers: readonly SignerInfo[]
  /** By which a reader in one pass hashes the content, in dotted form; empty for one that is not of its form. */
  readonly digestAlgorithms: readonly string[]
  /** The whole ContentInfo without its content. */
  readonly detached: Uint8Array
}

export type SignerInfo = {
  readonly signer: SignerIdentifier
  readonly digestAlgorithm: string
  /** DER SET OF Attribute, tagged as it is signed. */
  readonly signedAttributes: Uint8Array | undefined
  readonly signatureAlgorithm: string
  readonly signature: Uint8Array
}

export type SignerIdentifier =
  /** DER Name, and the content of the serial number's INTEGER. */
  { readonly issuer: Uint8Array; readonly serialNumber: Uint8Array } | { readonly keyIdentifier: Uint8Array }

/** Content of no type of its own. */
export const dataOid = '1.2.840.113549.1.7.1'

const context0 = 0xa0
const context1 = 0xa1
const primitiveContext0 = 0x80
const certificateLimit = 32
const signerLimit = 16

/** Parses a ContentInfo of type signedData. Throws a TimestampError with `malformed`, or a CryptoError for what is no DER. */
export function parseSignedData(contentInfo: Uint8Array): SignedData {
  const [type, explicit, surplus] = readElement(contentInfo, derTag.sequence).children()
  const typeOid = type?.tag === derTag.oid ? oidOf(type.content) : ''
  if (type === undefined || typeOid !== signedDataOid)
    throw new TimestampError('malformed', `wrong content type: ${typeOid}`)
  if (explicit?.tag !== context0 || surplus !== undefined) throw malformed('signedData is missing')
  const members = onlyChild(explicit, derTag.sequence).children()
  const [version, digestAlgorithms, encapsulated] = members
  const signerInfos = members[members.length - 1]
  if (
    version?.tag !== derTag.integer ||
    digestAlgorithms?.tag !== derTag.set ||
    encapsulated?.tag !== derTag.sequence ||
    members.length < 4 ||
    signerInfos?.tag !== derTag.set
  )
    throw malformed('signedData has an unexpected structure')
  const optional = members.slice(3, -1)
  const certificates = optional.find(({ tag }) => tag === context0)
  const { contentType, content } = parseContent(encapsulated)
  const bare = der(derTag.sequence, encapsulated.children()[0]?.whole ?? new Uint8Array())
  return {
    contentType,
    content,
    certificates:
      certificates === undefined ? [] : certificates.children(certificateLimit).map(({ whole }) => whole),
    signers: signerInfos.children(signerLimit).map(parseSigner),
    digestAlgorithms: digestAlgorithms.children(signerLimit).map((element) => oidIn(element) ?? ''),
    detached:
      content === undefined
        ? contentInfo
        : der(
            derTag.sequence,
            type.whole,
            der(
              context0,
              der(
                derTag.sequence,
                ...members.map((member) => (member === encapsulated ? bare : member.whole)),
              ),
            ),
          ),
  }
}

function parseContent(element: Element): { contentType: string; content: Uint8Array | undefined } {
  const [type, explicit, surplus] = element.children()
  if (type?.tag !== derTag.oid || surplus !== undefined) throw malformed('the content has no type')
  const contentType = oidOf(type.content)
  if (explicit === undefined) return { contentType, content: undefined }
  if (explicit.tag !== context0) throw malformed('the content has an unexpected structure')
  // PKCS#7 allows any type here; what is signed is always the value without tag and length.
  return { contentType, content: onlyChild(explicit).content }
}

function parseSigner(element: Element): SignerInfo {
  if (element.tag !== derTag.sequence) throw malformed('a signer info is no sequence')
  const [version, signer, digestAlgorithm, ...rest] = element.children()
  const attributes = rest[0]?.tag === context0 ? rest.shift() : undefined
  const [signatureAlgorithm, signature, unsigned, surplus] = rest
  if (
    version?.tag !== derTag.integer ||
    signer === undefined ||
    signature?.tag !== derTag.octetString ||
    (unsigned !== undefined && unsigned.tag !== context1) ||
    surplus !== undefined
  )
    throw malformed('a signer info has an unexpected structure')
  return {
    signer: parseSignerIdentifier(signer),
    digestAlgorithm: algorithmOf(digestAlgorithm),
    // RFC 5652 section 5.4: signed as a SET OF, not with the implicit tag under which they stand.
    signedAttributes: attributes === undefined ? undefined : der(derTag.set, attributes.content),
    signatureAlgorithm: algorithmOf(signatureAlgorithm),
    signature: signature.content,
  }
}

function parseSignerIdentifier(element: Element): SignerIdentifier {
  if (element.tag === primitiveContext0) return { keyIdentifier: element.content }
  const [issuer, serialNumber] = element.tag === derTag.sequence ? element.children() : []
  if (issuer?.tag !== derTag.sequence || serialNumber?.tag !== derTag.integer)
    throw malformed('a signer is not identified')
  return { issuer: issuer.whole, serialNumber: serialNumber.content }
}

function algorithmOf(element: Element | undefined): string {
  const oid = oidIn(element)
  if (oid === undefined) throw malformed('an algorithm is not identified')
  return oid
}

function oidIn(element: Element | undefined): string | undefined {
  const [oid] = element?.tag === derTag.sequence ? element.children() : []
  return oid?.tag === derTag.oid ? oidOf(oid.content) : undefined
}

function onlyChild(element: Element, tag?: number): Element {
  const [child, surplus] = element.children()
  if (child === undefined || surplus !== undefined || (tag !== undefined && child.tag !== tag))
    throw malformed('an element within has another form')
  return child
}

function malformed(reason: string): TimestampError {
  return new TimestampError('malformed', `pkcs7: ${reason}`)
}
