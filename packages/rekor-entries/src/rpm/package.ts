/** An RPM package: lead, signature header, header, payload; and the digests by which they hang together. */
import { createHash } from 'node:crypto'
import { asBuffer, equalBytes } from '@sigstack/crypto'
import { malformed, parseRpmHeader, type RpmHeader } from './header.ts'

export type RpmPackage = {
  readonly name: string
  readonly epoch: string
  readonly version: string
  readonly release: string
  readonly architecture: string
  /** MD5 over header and payload, as the signature header has it; hex. */
  readonly md5: string | undefined
  readonly signatures: readonly RpmSignature[]
}

export type RpmSignature = { readonly signature: Uint8Array; readonly signedBytes: Uint8Array }

const leadBytes = 96
const signatureTag = { dsa: 267, rsa: 268, sha1: 269, sha256: 273, pgp: 1002, md5: 1004, gpg: 1005 } as const
const tag = {
  name: 1000,
  version: 1001,
  release: 1002,
  epoch: 1003,
  architecture: 1022,
  payloadDigest: 5092,
  payloadDigestAlgorithm: 5093,
} as const
/** RFC 9580 section 9.5, which RPM borrows its numbers from. */
const payloadAlgorithms: ReadonlyMap<bigint, string> = new Map([
  [1n, 'md5'],
  [2n, 'sha1'],
  [8n, 'sha256'],
  [9n, 'sha384'],
  [10n, 'sha512'],
  [11n, 'sha224'],
])

/** Parses a package whose digests agree; the signatures are the caller's to verify. Throws `bad_format`. */
export function parseRpmPackage(file: Uint8Array): RpmPackage {
  if (file.length < leadBytes) throw malformed('error reading RPM lead: unexpected EOF')
  if (asBuffer(file).readUInt32BE(0) !== 0xedabeedb) throw malformed('file is not an RPM')
  const signatures = parseRpmHeader(file, leadBytes)
  // Only the signature header is padded, to eight bytes.
  const headerStart = leadBytes + Math.ceil(signatures.bytes.length / 8) * 8
  const header = parseRpmHeader(file, headerStart)
  const payload = file.subarray(headerStart + header.bytes.length)
  const overAll = signaturesIn(signatures, [signatureTag.pgp, signatureTag.gpg], file.subarray(headerStart))
  assertHeaderDigest(signatures, header)
  if (!hasPayloadDigest(header, payload)) {
    // Nobody signed the digests of the signature header.
    if (overAll.length === 0) throw malformed('no signature covers the payload')
    assertMd5(signatures, header, payload)
  }
  const md5 = signatures.bytesOf(signatureTag.md5)
  return {
    name: required(header, tag.name),
    epoch: String(header.integerOf(tag.epoch) ?? 0n),
    version: required(header, tag.version),
    release: required(header, tag.release),
    architecture: required(header, tag.architecture),
    md5: md5 === undefined || md5.length === 0 ? undefined : asBuffer(md5).toString('hex'),
    signatures: [...signaturesIn(signatures, [signatureTag.rsa, signatureTag.dsa], header.bytes), ...overAll],
  }
}

function assertHeaderDigest(signatures: RpmHeader, header: RpmHeader): void {
  const algorithms = [
    ['SHA-256', 'sha256', signatureTag.sha256],
    ['SHA-1', 'sha1', signatureTag.sha1],
  ] as const
  for (const [name, algorithm, digestTag] of algorithms) {
    const value = signatures.textOf(digestTag) ?? ''
    if (value === '') continue
    if (createHash(algorithm).update(header.bytes).digest('hex') !== value)
      throw malformed(`${name} mismatch in signature header`)
    return
  }
}

/** Whether the header, which is signed, has the digest of the payload; those of before 2017 have none. */
function hasPayloadDigest(header: RpmHeader, payload: Uint8Array): boolean {
  const digest = header.textOf(tag.payloadDigest)
  const algorithm = payloadAlgorithms.get(header.integerOf(tag.payloadDigestAlgorithm) ?? 0n)
  if (digest === undefined || algorithm === undefined) return false
  if (createHash(algorithm).update(payload).digest('hex') !== digest)
    throw malformed(`payload ${algorithm} digest mismatch`)
  return true
}

/** Over header and payload. */
function assertMd5(signatures: RpmHeader, header: RpmHeader, payload: Uint8Array): void {
  const md5 = signatures.bytesOf(signatureTag.md5)
  if (md5 === undefined || md5.length === 0) throw malformed('no usable payload digest found')
  if (!equalBytes(createHash('md5').update(header.bytes).update(payload).digest(), md5))
    throw malformed('md5 digest mismatch')
}

function signaturesIn(
  header: RpmHeader,
  tags: readonly number[],
  signedBytes: Uint8Array,
): readonly RpmSignature[] {
  return tags.flatMap((signatureTag) => {
    const signature = header.bytesOf(signatureTag)
    return signature === undefined ? [] : [{ signature, signedBytes }]
  })
}

function required(header: RpmHeader, wanted: number): string {
  const value = header.textOf(wanted)
  if (value === undefined) throw malformed(`no such entry ${wanted}`)
  return value
}
