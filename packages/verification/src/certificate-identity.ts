/** Whom a signing certificate names: SAN and token issuer (Fulcio's oid-info). */
import { derTag, oidOf, parseUtf8, readDerChildren, readOnlyDer } from '@sigstack/crypto'
import {
  type Certificate,
  extendedKeyUsageOid,
  extensionOid,
  extensionValue,
  fulcioArc,
  fulcioOtherNameOid,
} from '@sigstack/x509'
import { notVerified } from './errors.ts'

export type CertificateIdentity = {
  /** The first URI, else the first e-mail address, else Fulcio's user name. */
  readonly subject: string
  /** Who issued the token; absent in certificates of other authorities. */
  readonly issuer?: string
}

const nameTag = { otherName: 0xa0, email: 0x81, uri: 0x86 }

/** Throws `not_verified` for a certificate that names nobody or is not for signing code. */
export function certificateIdentity(certificate: Certificate): CertificateIdentity {
  // Of the leaf: what its issuers allow is not yet what it is for.
  if (!certificate.extendedKeyUsages.includes(extendedKeyUsageOid.codeSigning)) {
    throw notVerified('the certificate is not for signing code')
  }
  const names = extensionValue(certificate, extensionOid.subjectAlternativeName)
  const subject = names && subjectIn(names)
  if (subject === undefined) throw notVerified('the certificate names no identity')
  const v2 = extensionValue(certificate, `${fulcioArc}.8`)
  const v1 = extensionValue(certificate, `${fulcioArc}.1`)
  const issuer = v2 ? parseUtf8(readOnlyDer(v2, derTag.utf8String).content) : v1 && parseUtf8(v1)
  return { subject, ...(issuer !== undefined && { issuer }) }
}

function subjectIn(extension: Uint8Array): string | undefined {
  const names = readDerChildren(readOnlyDer(extension, derTag.sequence).content, 1000)
  const first = (tag: number) => names.find((name) => name.tag === tag)?.content
  const plain = first(nameTag.uri) ?? first(nameTag.email)
  if (plain !== undefined) return parseUtf8(plain)
  for (const { tag, content } of names) {
    if (tag !== nameTag.otherName) continue
    const [type, wrapped] = readDerChildren(content, 3)
    if (type?.tag !== derTag.oid || wrapped?.tag !== 0xa0 || oidOf(type.content) !== fulcioOtherNameOid)
      continue
    return parseUtf8(readOnlyDer(wrapped.content, derTag.utf8String).content)
  }
  return undefined
}
