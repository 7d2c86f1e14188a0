/** Precertificates (RFC 6962 section 3.1): poison out, SCT list out, and the check that nothing else changed. */
import {
  concatBytes,
  type DerElement,
  derTag,
  equalBytes,
  readDer,
  readDerChildren,
  readOnlyDer,
  shortLivedDer,
} from '@sigstack/crypto'
import { type Certificate, certificateExtensions, extensionValue, parseCertificate } from './certificate.ts'
import { X509Error } from './errors.ts'
import { encodeOid, parseExtension } from './extension.ts'
import { extensionOid } from './oids.ts'

/**
 * A TBSCertificate without the extension `oid`, which it must hold exactly once; everything else stays byte for byte,
 * the lengths around it are made anew. The poison must be critical and NULL. Where it was the last extension the
 * whole field goes.
 */
export function removeExtension(tbs: Uint8Array, oid: string): Uint8Array {
  const fields = readDerChildren(readOnlyDer(tbs, derTag.sequence).content, 10)
  const field = fields[fields.length - 1]
  if (field?.tag !== 0xa3) throw new X509Error('missing_extension', 'the certificate has no extensions')
  const elements = readDerChildren(readOnlyDer(field.content, derTag.sequence).content, 100)
  const wanted = encodeOid(oid)
  const found: DerElement[] = []
  const kept: Uint8Array[] = []
  for (const element of elements) {
    if (element.tag === derTag.sequence && equalBytes(readDer(element.content).whole, wanted))
      found.push(element)
    else kept.push(element.whole)
  }
  const [first, second] = found
  if (first === undefined) throw new X509Error('missing_extension', `the certificate has no extension ${oid}`)
  if (second !== undefined)
    throw new X509Error('duplicate_extension', `the certificate holds the extension ${oid} twice`)
  const extension = parseExtension(first)
  if (oid === extensionOid.poison && !(extension.critical && isNull(extension.value)))
    throw new X509Error('bad_poison', 'the poison of a precertificate must be critical and NULL')
  const before = fields.slice(0, -1).map(({ whole }) => whole)
  if (kept.length === 0) return shortLivedDer(derTag.sequence, ...before)
  return shortLivedDer(
    derTag.sequence,
    concatBytes(...before),
    shortLivedDer(0xa3, shortLivedDer(derTag.sequence, ...kept)),
  )
}

/**
 * Throws `precertificate_mismatch` unless the final certificate without its SCT list is the precertificate without
 * its poison. Both are TBSCertificate bytes. An SCT of the one holds for the other only then.
 */
export function assertPrecertificateMatches(precertificateTbs: Uint8Array, finalTbs: Uint8Array): void {
  const promised = removeExtension(precertificateTbs, extensionOid.poison)
  const made = removeExtension(finalTbs, extensionOid.sctList)
  if (!equalBytes(promised, made))
    throw new X509Error('precertificate_mismatch', 'the final certificate differs from its precertificate')
}

/**
 * The certificate of a TBSCertificate that stands alone, as in the leaf of a precertificate, to be read: its signature is empty, so it
 * verifies with no key. Throws as {@link parseCertificate} does.
 */
export function unsignedCertificate(tbs: Uint8Array): Certificate {
  const fields = readOnlyDer(tbs, derTag.sequence).children(10)
  // Version, serial number, algorithm; or without version.
  const algorithm = fields[0]?.tag === 0xa0 ? fields[2] : fields[1]
  if (algorithm === undefined) throw new X509Error('bad_certificate', 'the certificate names no algorithm')
  return parseCertificate(
    shortLivedDer(derTag.sequence, tbs, algorithm.whole, shortLivedDer(derTag.bitString, Uint8Array.of(0))),
  )
}

/** Whether the certificate carries a poison extension, well-formed or not. */
export function isPrecertificate(certificate: Pick<Certificate, 'extensions'>): boolean {
  return certificate.extensions.some(({ oid }) => oid === extensionOid.poison)
}

/** The TLS SignedCertificateTimestampList inside a certificate, unwrapped twice; `undefined` where it has none. */
export function embeddedScts(certificate: Uint8Array): Uint8Array | undefined {
  return sctListOf({ extensions: certificateExtensions(certificate) })
}

/** The same of a certificate that is parsed already. */
export function sctListOf(certificate: Pick<Certificate, 'extensions'>): Uint8Array | undefined {
  const value = extensionValue(certificate, extensionOid.sctList)
  return value === undefined ? undefined : readOnlyDer(value, derTag.octetString).content
}

function isNull(value: Uint8Array): boolean {
  return value.length === 2 && value[0] === derTag.null && value[1] === 0
}
