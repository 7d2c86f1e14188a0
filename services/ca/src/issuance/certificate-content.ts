/** What a certificate says of its owner, encoded: for issuing, and for telling beforehand what would be issued. */
import { type Extension, encodeSan, fulcioExtensions, type San, X509Error } from '@sigstack/x509'
import type { Identity } from '../identity/identity.ts'
import { IssuanceError } from '../refusals.ts'

export type CertificateContent = {
  readonly subjectAlternativeName: San
  readonly extensions: readonly Extension[]
}

/** Throws an IssuanceError for what no certificate can hold: `issuer_empty` or `san_unencodable`. */
export function certificateContent({ subjectAlternativeName, claims }: Identity): CertificateContent {
  try {
    encodeSan(subjectAlternativeName)
    return { subjectAlternativeName, extensions: fulcioExtensions(claims) }
  } catch (cause) {
    if (!(cause instanceof X509Error)) throw cause
    if (cause.code === 'missing_issuer') throw new IssuanceError('issuer_empty', cause.message, { cause })
    if (cause.code === 'bad_name' || cause.code === 'bad_extension')
      throw new IssuanceError('san_unencodable', cause.message, { cause })
    throw cause
  }
}
