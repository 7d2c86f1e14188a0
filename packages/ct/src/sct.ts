/** Signed certificate timestamps and lists of them (RFC 6962 sections 3.2 and 3.3). */
import { concatBytes } from '@sigstack/crypto'
import { type DigitallySigned, encodeDigitallySigned, readDigitallySigned } from './digitally-signed.ts'
import { CtError } from './errors.ts'
import { createTlsReader, encodeTimestamp, encodeVector, readTimestamp } from './tls.ts'

export type Sct = {
  /** SHA-256 of the log's SubjectPublicKeyInfo, 32 bytes. */
  readonly logId: Uint8Array
  readonly timestampMs: number
  /** CtExtensions as the log made them, mostly empty. */
  readonly extensions: Uint8Array
  readonly signature: DigitallySigned
}

const v1 = 0
const listLimit = 32

export function encodeSct(sct: Sct): Uint8Array {
  if (sct.logId.length !== 32)
    throw new CtError('out_of_range', `a log ID has 32 bytes, not ${sct.logId.length}`)
  return concatBytes(
    Uint8Array.of(v1),
    sct.logId,
    encodeTimestamp(sct.timestampMs),
    encodeVector(sct.extensions, 2),
    encodeDigitallySigned(sct.signature),
  )
}

export function parseSct(bytes: Uint8Array): Sct {
  const reader = createTlsReader(bytes, 'the SCT')
  const version = reader.uint(1)
  if (version !== v1) throw new CtError('unsupported', `an SCT of version ${version}`)
  const logId = reader.fixed(32)
  const timestampMs = readTimestamp(reader)
  const extensions = reader.vector(2)
  const signature = readDigitallySigned(reader)
  reader.end()
  return { logId, timestampMs, extensions, signature }
}

/** A SignedCertificateTimestampList of at least one SCT. For a certificate it is still to be wrapped in OCTET STRINGs. */
export function encodeSctList(scts: readonly Sct[]): Uint8Array {
  if (scts.length === 0) throw new CtError('out_of_range', 'a list of SCTs may not be empty')
  return encodeVector(concatBytes(...scts.map((sct) => encodeVector(encodeSct(sct), 2))), 2)
}

export function parseSctList(bytes: Uint8Array): readonly Sct[] {
  const outer = createTlsReader(bytes, 'the SCT list')
  const items = createTlsReader(outer.vector(2), 'the SCT list')
  outer.end()
  const scts: Sct[] = []
  while (!items.isAtEnd()) {
    if (scts.length === listLimit) throw new CtError('bad_tls', `a list of more than ${listLimit} SCTs`)
    scts.push(parseSct(items.vector(2)))
  }
  if (scts.length === 0) throw new CtError('bad_tls', 'the SCT list is empty')
  return scts
}
