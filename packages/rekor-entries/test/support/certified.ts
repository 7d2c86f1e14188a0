/** Keys with certificates, and CMS signatures by them, made for tests. */
import { createHash, type KeyObject, sign } from 'node:crypto'
import { der, derOid, derTag, readDerChildren, readOnlyDer } from '@sigstack/crypto'
import type { San } from '@sigstack/x509'
import { createTestCa } from '@sigstack/x509/testing'
import { zipSync } from 'fflate'

export type Certified = {
  readonly key: KeyObject
  readonly spki: Uint8Array
  readonly der: Uint8Array
  readonly pem: string
  readonly subject: string
  readonly tokenIssuer: string
  /** Lower-case hex without leading zeros. */
  readonly serialNumber: string
}

const ca = await createTestCa(new Date('2026-01-01T00:00:00Z'))
export const { rootPem } = ca

/** `at` changes the TBSCertificate before it is signed. */
export async function certified(
  san: San,
  tokenIssuer: string,
  at?: (tbs: Uint8Array) => Uint8Array,
): Promise<Certified> {
  const { key, signer, der, pem, serialNumber } = await ca.certify(san, tokenIssuer, at)
  return {
    key,
    spki: signer.publicKey.spki,
    der,
    pem,
    subject: san.value,
    tokenIssuer,
    serialNumber: Buffer.from(serialNumber).toString('hex').replace(/^0+/, ''),
  }
}

const sequence = (...parts: readonly Uint8Array[]) => der(derTag.sequence, ...parts)
const set = (...parts: readonly Uint8Array[]) => der(derTag.set, ...parts)
const version = Uint8Array.of(derTag.integer, 1, 1)
const sha256 = sequence(derOid('2.16.840.1.101.3.4.2.1'))

export type Cms = {
  /** In dotted form; id-data when left out. */
  readonly contentType?: string
  /** The content is in it. */
  readonly isWhole?: boolean
  /** DER attributes, which are what is signed then. */
  readonly attributes?: readonly Uint8Array[]
}

/** A signed attribute of CMS. */
export const attribute = (oid: string, ...values: readonly Uint8Array[]) =>
  sequence(derOid(oid), set(...values))

/** CMS SignedData (RFC 5652), over detached content if nothing else is said; each signer is named by issuer and serial number. */
export function signedData(
  content: Uint8Array,
  signers: readonly Certified[],
  certificates: readonly Uint8Array[],
  { contentType = '1.2.840.113549.1.7.1', isWhole = false, attributes }: Cms = {},
): Uint8Array {
  const embedded = isWhole ? [der(0xa0, der(derTag.octetString, content))] : []
  const message = attributes === undefined ? content : set(...attributes)
  const infos = signers.map((signer) => {
    const [tbs] = readDerChildren(readOnlyDer(signer.der).content)
    const [, serial, , issuer] = readDerChildren(tbs!.content)
    return sequence(
      version,
      sequence(issuer!.whole, serial!.whole),
      sha256,
      ...(attributes === undefined ? [] : [der(0xa0, ...attributes)]),
      sequence(derOid('1.2.840.10045.4.3.2')),
      der(derTag.octetString, sign('sha256', message, signer.key)),
    )
  })
  return sequence(
    derOid('1.2.840.113549.1.7.2'),
    der(
      0xa0,
      sequence(
        version,
        set(sha256),
        sequence(derOid(contentType), ...embedded),
        der(0xa0, ...certificates),
        set(...infos),
      ),
    ),
  )
}

/** A signed JAR of one file; `certificates` are those in its signature, `algorithms` those of the file's digests. */
export function signedJar(
  signers: readonly Certified[],
  certificates: readonly Uint8Array[],
  { file = Buffer.from('a'), algorithms = ['SHA-256'] } = {},
): Uint8Array {
  const digest = (text: string | Uint8Array, algorithm = 'sha256') =>
    createHash(algorithm.replace('-', '')).update(text).digest('base64')
  const ofFile = algorithms.map((name) => `${name}-Digest: ${digest(file, name)}\r\n`).join('')
  const manifest = `Manifest-Version: 1.0\r\n\r\nName: a\r\n${ofFile}\r\n`
  const signatureFile = `Signature-Version: 1.0\r\nSHA-256-Digest-Manifest: ${digest(manifest)}\r\n\r\n`
  return zipSync({
    'META-INF/MANIFEST.MF': Buffer.from(manifest),
    'META-INF/X.SF': Buffer.from(signatureFile),
    'META-INF/X.EC': signedData(Buffer.from(signatureFile), signers, certificates),
    a: file,
  })
}
