/**
 * What a log promises and keeps (RFC 6962 sections 3.2 and 3.4): the signed entry, and the Merkle tree leaf made of
 * it. `leaf_input` of get-entries is the encoded leaf; its hash is SHA-256 of 0x00 and the leaf.
 */
import { concatBytes } from '@sigstack/crypto'
import { CtError } from './errors.ts'
import {
  createTlsReader,
  encodeTimestamp,
  encodeUint,
  encodeVector,
  readTimestamp,
  type TlsReader,
} from './tls.ts'

export type SignedEntry =
  | { readonly type: 'x509' /** DER. */; readonly certificate: Uint8Array }
  | {
      readonly type: 'precert'
      /** SHA-256 of the SubjectPublicKeyInfo of the issuer of the final certificate, 32 bytes. */
      readonly issuerKeyHash: Uint8Array
      /** DER TBSCertificate without poison and without SCT list. */
      readonly tbs: Uint8Array
    }

export type TimestampedEntry = {
  readonly timestampMs: number
  readonly entry: SignedEntry
  /** CtExtensions, mostly empty. The same bytes stand in the SCT. */
  readonly extensions: Uint8Array
}

const v1 = 0
const certificateTimestamp = 0
const timestampedEntry = 0
const entryType = { x509: 0, precert: 1 } as const

/** What the signature of an SCT covers. */
export function sctSignedData(entry: TimestampedEntry): Uint8Array {
  return concatBytes(Uint8Array.of(v1, certificateTimestamp), encodeTimestampedEntry(entry))
}

/** `leaf_input`. The leaf type happens to have the code of the signature type, so the bytes equal the signed data. */
export function merkleTreeLeaf(entry: TimestampedEntry): Uint8Array {
  return concatBytes(Uint8Array.of(v1, timestampedEntry), encodeTimestampedEntry(entry))
}

export function parseMerkleTreeLeaf(leaf: Uint8Array): TimestampedEntry {
  const reader = createTlsReader(leaf, 'the Merkle tree leaf')
  const version = reader.uint(1)
  const type = reader.uint(1)
  if (version !== v1 || type !== timestampedEntry)
    throw new CtError('unsupported', `a Merkle tree leaf of version ${version} and type ${type}`)
  const timestampMs = readTimestamp(reader)
  const entry = readSignedEntry(reader)
  const extensions = reader.vector(2)
  reader.end()
  return { timestampMs, entry, extensions }
}

function encodeTimestampedEntry({ timestampMs, entry, extensions }: TimestampedEntry): Uint8Array {
  return concatBytes(
    encodeTimestamp(timestampMs),
    encodeUint(entryType[entry.type], 2),
    encodeSignedEntry(entry),
    encodeVector(extensions, 2),
  )
}

function encodeSignedEntry(entry: SignedEntry): Uint8Array {
  if (entry.type === 'x509') return encodeCertificate(entry.certificate)
  if (entry.issuerKeyHash.length !== 32)
    throw new CtError('out_of_range', `an issuer key hash has 32 bytes, not ${entry.issuerKeyHash.length}`)
  return concatBytes(entry.issuerKeyHash, encodeCertificate(entry.tbs))
}

function readSignedEntry(reader: TlsReader): SignedEntry {
  const type = reader.uint(2)
  if (type === entryType.x509) return { type: 'x509', certificate: readCertificate(reader) }
  if (type !== entryType.precert) throw new CtError('unsupported', `a log entry of type ${type}`)
  return { type: 'precert', issuerKeyHash: reader.fixed(32), tbs: readCertificate(reader) }
}

/** ASN.1Cert and TBSCertificate: `opaque <1..2^24-1>`. */
export function encodeCertificate(der: Uint8Array): Uint8Array {
  if (der.length === 0) throw new CtError('out_of_range', 'a certificate may not be empty')
  return encodeVector(der, 3)
}

export function readCertificate(reader: TlsReader): Uint8Array {
  const der = reader.vector(3)
  if (der.length === 0) throw new CtError('bad_tls', 'a certificate may not be empty')
  return der
}
