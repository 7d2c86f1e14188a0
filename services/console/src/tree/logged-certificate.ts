/** A leaf of a log of certificates (RFC 6962 section 3.4): what was logged, and what the log keeps beside it. Pure. */
import { parseExtraData, parseMerkleTreeLeaf } from '@sigstack/ct'
import {
  type Certificate,
  certificateSubjects,
  fulcioIssuer,
  parseCertificate,
  unsignedCertificate,
} from '@sigstack/x509'
import { attempt } from '../attempt.ts'

export type LoggedCertificate = {
  /** The log's clock, in milliseconds since the epoch. */
  readonly timestampMs: number
  /** As the leaf holds it: of a precertificate without signature and poison. Undefined where it cannot be read. */
  readonly certificate?: Certificate
  /** What was submitted, which is beside the leaf and not in it. */
  readonly precertificate?: Certificate
  /** Of a precertificate: SHA-256 of the key that signs it. */
  readonly issuerKeyHash?: Uint8Array
  readonly subjects: readonly string[]
  readonly tokenIssuer?: string
}

/** Undefined where the leaf is none of such a log. `extra` is `extra_data` of get-entries. */
export function readLoggedCertificate(
  leaf: Uint8Array,
  extra: Uint8Array | undefined,
): LoggedCertificate | undefined {
  const read = attempt(() => parseMerkleTreeLeaf(leaf))
  if (read === undefined) return undefined
  const { entry, timestampMs } = read
  const certificate = attempt(() =>
    entry.type === 'x509' ? parseCertificate(entry.certificate) : unsignedCertificate(entry.tbs),
  )
  const precertificate = entry.type === 'precert' && extra !== undefined ? precertificateIn(extra) : undefined
  const tokenIssuer = certificate && attempt(() => fulcioIssuer(certificate))
  return {
    timestampMs,
    subjects: (certificate && attempt(() => certificateSubjects(certificate))) ?? [],
    ...(certificate !== undefined && { certificate }),
    ...(precertificate !== undefined && { precertificate }),
    ...(entry.type === 'precert' && { issuerKeyHash: entry.issuerKeyHash }),
    ...(tokenIssuer !== undefined && { tokenIssuer }),
  }
}

function precertificateIn(extra: Uint8Array): Certificate | undefined {
  return attempt(() => {
    const data = parseExtraData('precert', extra)
    return data.type === 'precert' ? parseCertificate(data.precertificate) : undefined
  })
}
