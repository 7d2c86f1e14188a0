/** Every field of a certificate as facts. What must differ between two CAs (keys, serials, times) is told by its form. */
import { createHash } from 'node:crypto'
import { equalBytes, readDer, readDerChildren, readOnlyDer, toHex } from '@sigstack/crypto'
import { parseSctList } from '@sigstack/ct'
import {
  type Certificate,
  describeFulcioExtension,
  extensionOid,
  fulcioArc,
  keyIdentifier,
  parseCertificate,
  verifyCertificateSignature,
} from '@sigstack/x509'
import { pemForm } from '../pem-form.ts'

export type CertificateContext = {
  /** The client's key. */
  readonly spki: Uint8Array
  /** SHA-256 of the key of the log that this CA writes to. */
  readonly logId: Uint8Array
  readonly now: Date
}

/** `pems` are the strings of the answer, leaf first. */
export async function certificateFacts(
  pems: readonly string[],
  context: CertificateContext,
): Promise<[string, string][]> {
  const certificates = pems.map((pem) => parseCertificate(derOf(pem)))
  const [leaf, issuer] = certificates
  const facts: [string, string][] = [
    ['chain length', String(pems.length)],
    ['chain PEM form', [...new Set(pems.map(pemForm))].join('; ')],
    [
      'chain order',
      certificates.every((each, i) => isIssuedBy(each, certificates[i + 1] ?? each))
        ? 'leaf to root'
        : 'another',
    ],
  ]
  if (leaf === undefined || issuer === undefined) return facts
  return [
    ...facts,
    ...tbsFacts(leaf, issuer, context),
    ['certificate signature', (await verifyCertificateSignature(leaf, issuer)) ? "the issuer's" : 'wrong'],
    ['certificate extensions', leaf.extensions.map(({ oid }) => oid).join(' ')],
    ...leaf.extensions.map(({ oid, critical, value }): [string, string] => [
      `extension ${oid}`,
      `${critical ? 'critical ' : ''}${extensionText(oid, value, leaf, issuer, context)}`,
    ]),
  ]
}

function tbsFacts(leaf: Certificate, issuer: Certificate, context: CertificateContext): [string, string][] {
  const fields = readDerChildren(readOnlyDer(leaf.tbs).content)
  const [version, serial, algorithm, , validity] = fields
  const times = validity === undefined ? [] : readDerChildren(validity.content)
  const age = (context.now.getTime() - leaf.notBefore.getTime()) / 1000
  return [
    ['certificate fields', fields.map(({ tag }) => tag.toString(16)).join(' ')],
    ['certificate version', toHex(version?.whole ?? new Uint8Array())],
    ['certificate serial number', serialForm(serial?.content ?? new Uint8Array())],
    [
      'certificate signature algorithm',
      `${toHex(algorithm?.whole ?? new Uint8Array())} ${leaf.signatureAlgorithmOid}`,
    ],
    ['certificate issuer', equalBytes(leaf.issuer, issuer.subject) ? 'subject of the next one' : 'another'],
    ['certificate times', times.map(({ tag }) => tag.toString(16)).join(' ')],
    ['certificate begins', age > -3 && age < 30 ? 'now' : `${age} s ago`],
    ['certificate lifetime', `${(leaf.notAfter.getTime() - leaf.notBefore.getTime()) / 1000} s`],
    ['certificate subject', toHex(leaf.subject)],
    ['certificate key', equalBytes(leaf.spki, context.spki) ? "the client's" : 'another'],
  ]
}

function serialForm(content: Uint8Array): string {
  const positive = (content[0] ?? 0x80) < 0x80
  return `${positive ? 'positive' : 'negative'}, ${content.length > 20 ? 'over' : content.length < 12 ? 'short of' : 'up to'} 20 octets`
}

function extensionText(
  oid: string,
  value: Uint8Array,
  leaf: Certificate,
  issuer: Certificate,
  { logId }: CertificateContext,
): string {
  if (oid === extensionOid.subjectKeyIdentifier) {
    const own = leaf.subjectKeyIdentifier ?? new Uint8Array()
    return equalBytes(own, keyIdentifier(leaf.spki))
      ? 'SHA-1 of the key'
      : `${own.length} octets of another making`
  }
  if (oid === extensionOid.authorityKeyIdentifier) {
    const own = leaf.authorityKeyIdentifier ?? new Uint8Array()
    const form = readDerChildren(readOnlyDer(value).content).map(({ tag }) => tag.toString(16))
    return `${form.join(' ')} ${equalBytes(own, issuer.subjectKeyIdentifier ?? new Uint8Array()) ? "of the issuer's key" : 'another'}`
  }
  if (oid === extensionOid.sctList) {
    const scts = parseSctList(readDer(value).content)
    return scts
      .map(
        (sct) =>
          `v1 ${equalBytes(sct.logId, logId) ? 'of the log' : 'of another log'}, ${sct.extensions.length} octets of extensions, ${sct.signature.algorithm}`,
      )
      .join('; ')
  }
  if (!oid.startsWith(`${fulcioArc}.`)) return toHex(value)
  return `${toHex(value)} (${describeFulcioExtension({ oid, value, critical: false }).value})`
}

export function derOf(pem: string): Buffer {
  return Buffer.from(pem.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64')
}

export function logIdOf(publicKeyPem: string): Uint8Array {
  return createHash('sha256').update(derOf(publicKeyPem)).digest()
}

function isIssuedBy(certificate: Certificate, issuer: Certificate): boolean {
  return equalBytes(certificate.issuer, issuer.subject)
}
