/**
 * Which certificate a token says it was signed with (ESSCertID of RFC 2634 section 5.4.1, ESSCertIDv2 of RFC 5035 section 4),
 * which RFC 3161 section 2.4.2 demands as a signed attribute: without it one of the same key and names could stand for another.
 */
import { createHash } from 'node:crypto'
import { derTag, equalBytes, oidOf } from '@sigstack/crypto'
import type { Certificate } from '@sigstack/x509'
import { attributeOid, hashOf } from '../oids.ts'
import { type Element, readElement } from './element.ts'
import { algorithmForm, malformed } from './form.ts'

/** SHA-1, since ESSCertID of RFC 2634 knows nothing else. */
const signingCertificateOid = '1.2.840.113549.1.9.16.2.12'
const directoryName = 0xa4
const idLimit = 16

type CertificateId = {
  readonly hash: string
  readonly digest: Uint8Array
  readonly issuerSerial: Element | undefined
}

/**
 * `signedAttributes` is a DER SET OF Attribute, `chain` begins with the certificate that has signed. Each of both attributes that
 * is there must name it first, and beside it certificates of the chain alone. Throws a TimestampError with `malformed`.
 */
export function assertSigningCertificate(signedAttributes: Uint8Array, chain: readonly Certificate[]): void {
  const [leaf, ...above] = chain
  let isNamed = false
  for (const attribute of readElement(signedAttributes, derTag.set).children()) {
    const [type, values] = attribute.children()
    const oid = type?.tag === derTag.oid ? oidOf(type.content) : ''
    if (oid !== signingCertificateOid && oid !== attributeOid.signingCertificateV2) continue
    const [value, second] = values?.children() ?? []
    if (value === undefined || second !== undefined)
      throw malformed('its signing certificate is not one value')
    const [first, ...further] = idsIn(value, oid)
    if (first === undefined || leaf === undefined || !isOf(leaf, first))
      throw malformed('its signing certificate is another')
    if (further.some((id) => !above.some((certificate) => isOf(certificate, id))))
      throw malformed('it names certificates that are not of the chain of its authority')
    isNamed = true
  }
  if (!isNamed) throw malformed('it does not name its signing certificate')
}

/** SigningCertificate and SigningCertificateV2 have the same outline. */
function idsIn(value: Element, oid: string): readonly CertificateId[] {
  const [ids, policies, surplus] = value.tag === derTag.sequence ? value.children(3) : []
  if (ids?.tag !== derTag.sequence || surplus !== undefined || (policies && policies.tag !== derTag.sequence))
    throw malformed('its signing certificate has another form')
  return ids
    .children(idLimit)
    .map((id) => (oid === signingCertificateOid ? readId(id, 'sha1', false) : readId(id, 'sha256', true)))
}

function readId(id: Element, defaultHash: string, namesHash: boolean): CertificateId {
  const parts = id.tag === derTag.sequence ? [...id.children(4)] : []
  const algorithm = namesHash && parts[0]?.tag === derTag.sequence ? parts.shift() : undefined
  const [digest, issuerSerial, surplus] = parts
  const hash = algorithm === undefined ? defaultHash : hashNamed(algorithm)
  if (digest?.tag !== derTag.octetString || surplus !== undefined)
    throw malformed('its signing certificate has another form')
  return { hash, digest: digest.content, issuerSerial }
}

function hashNamed(algorithm: Element): string {
  algorithmForm(algorithm)
  const [oid] = algorithm.children()
  const hash = oid && hashOf(oidOf(oid.content))
  if (hash === undefined) throw malformed('its signing certificate is named by a hash that does not count')
  return hash
}

function isOf(certificate: Certificate, { hash, digest, issuerSerial }: CertificateId): boolean {
  if (!equalBytes(createHash(hash).update(certificate.der).digest(), digest)) return false
  if (issuerSerial === undefined) return true
  const [names, serialNumber, surplus] = issuerSerial.tag === derTag.sequence ? issuerSerial.children(3) : []
  const [name, second] = names?.tag === derTag.sequence ? names.children(2) : []
  return (
    surplus === undefined &&
    second === undefined &&
    name?.tag === directoryName &&
    equalBytes(name.content, certificate.issuer) &&
    serialNumber?.tag === derTag.integer &&
    equalBytes(serialNumber.content, certificate.serialNumber)
  )
}
