/** `extra_data` of get-entries (RFC 6962 section 4.6): what was submitted beside the leaf. */
import { concatBytes } from '@sigstack/crypto'
import { encodeCertificate, readCertificate } from './entry.ts'
import { CtError } from './errors.ts'
import { createTlsReader, encodeVector, type TlsReader } from './tls.ts'

export type ExtraData =
  | {
      readonly type: 'x509' /** DER issuers behind the leaf, root included. */
      readonly chain: readonly Uint8Array[]
    }
  | { readonly type: 'precert'; readonly precertificate: Uint8Array; readonly chain: readonly Uint8Array[] }

const chainLimit = 32

export function encodeExtraData(extraData: ExtraData): Uint8Array {
  const chain = encodeVector(concatBytes(...extraData.chain.map(encodeCertificate)), 3)
  return extraData.type === 'x509' ? chain : concatBytes(encodeCertificate(extraData.precertificate), chain)
}

/** The bytes do not tell their type: it stands in the leaf. */
export function parseExtraData(type: ExtraData['type'], bytes: Uint8Array): ExtraData {
  const reader = createTlsReader(bytes, 'the extra data')
  const precertificate = type === 'precert' ? readCertificate(reader) : undefined
  const chain = readChain(reader)
  reader.end()
  return precertificate === undefined ? { type: 'x509', chain } : { type: 'precert', precertificate, chain }
}

function readChain(reader: TlsReader): readonly Uint8Array[] {
  const certificates = createTlsReader(reader.vector(3), 'the certificate chain')
  const chain: Uint8Array[] = []
  while (!certificates.isAtEnd()) {
    if (chain.length === chainLimit)
      throw new CtError('bad_tls', `a chain of more than ${chainLimit} certificates`)
    chain.push(readCertificate(certificates))
  }
  return chain
}
