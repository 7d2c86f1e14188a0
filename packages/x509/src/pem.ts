import { encodePem, parsePemBlocks, quoted } from '@sigstack/crypto'
import { type Certificate, parseCertificate } from './certificate.ts'
import { X509Error } from './errors.ts'

/** Every `CERTIFICATE` block in `text`, at least one and at most `limit`, in the order they stand. */
export function parseCertificatesPem(text: string, limit = 10): readonly Certificate[] {
  return parsePemBlocks(text, limit).map(({ type, der }) => {
    if (type !== 'CERTIFICATE')
      throw new X509Error('bad_certificate_pem', `a PEM block CERTIFICATE is expected, not ${quoted(type)}`)
    return parseCertificate(der)
  })
}

/** 64 columns, LF, and a final LF. */
export function encodeCertificatePem(der: Uint8Array): string {
  return encodePem('CERTIFICATE', der)
}
