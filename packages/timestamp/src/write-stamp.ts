/**
 * The one shape of TimeStampResp that is signed here (RFC 3161, RFC 5652, RFC 5816): a token with one signer, all
 * four signed attributes that clients look for, and whole seconds. Written by hand because it is written thousands of
 * times a second; tests read each field of it with a library, and {@link assertStamp} reads it again before it leaves.
 */
import {
  der,
  derOid,
  derTag,
  digest,
  type HashAlgorithm,
  type Signer,
  sha256,
  signatureAlgorithms,
  utf8,
} from '@sigstack/crypto'
import { type Certificate, encodeSignatureAlgorithm, serialNumberFrom } from '@sigstack/x509'
import { assertStamp } from './assert-stamp.ts'
import { encodeImprint, type TimestampRequest } from './encode-request.ts'
import { attributeOid, hashOid, signedDataOid, tstInfoOid } from './oids.ts'

export type StampIssuer = {
  readonly signer: Signer
  /** Signing certificate first, self-signed root last. */
  readonly chain: readonly [Certificate, ...Certificate[]]
  /** With the signing certificate, where it is asked for, also those above it. */
  readonly includesChain?: boolean
}

export type Stamp = {
  readonly request: Pick<TimestampRequest, 'hash' | 'imprint' | 'nonce' | 'certificates'>
  readonly policy: string
  /** Cut to whole seconds. */
  readonly time: Date
  readonly random20: Uint8Array
}

/** DER TimeStampResp. Throws a `TimestampError` with `bad_stamp` for one that does not verify. */
export type WriteStamp = (stamp: Stamp) => Promise<Uint8Array>

const context0 = 0xa0
const directoryName = 0xa4
const utcTimeTag = 0x17
const generalizedTimeTag = 0x18

const integer = (value: number) => der(derTag.integer, Uint8Array.of(value))
const version1 = integer(1)
const version3 = integer(3)
const granted = der(derTag.sequence, integer(0))
/** One second. */
const accuracy = der(derTag.sequence, integer(1))
const tstInfoType = derOid(tstInfoOid)
const signedDataType = derOid(signedDataOid)
const attributeType = {
  contentType: derOid(attributeOid.contentType),
  signingTime: derOid(attributeOid.signingTime),
  messageDigest: derOid(attributeOid.messageDigest),
  signingCertificateV2: derOid(attributeOid.signingCertificateV2),
}
const attribute = (type: Uint8Array, value: Uint8Array) => der(derTag.sequence, type, der(derTag.set, value))
const contentType = attribute(attributeType.contentType, tstInfoType)

export function createStampWriter({ signer, chain, includesChain = false }: StampIssuer): WriteStamp {
  const [leaf, ...above] = chain
  const hash: HashAlgorithm = signatureAlgorithms[signer.algorithm].hash ?? 'sha256'
  const digestAlgorithm = der(derTag.sequence, derOid(hashOid[hash]))
  const signatureAlgorithm = encodeSignatureAlgorithm(signer.algorithm)
  const serialNumber = der(derTag.integer, leaf.serialNumber)
  const signerIdentifier = der(derTag.sequence, leaf.issuer, serialNumber)
  const authority = der(context0, der(directoryName, leaf.subject))
  // RFC 5816: SHA-256 is the hash that is not named.
  const certificateId = der(
    derTag.sequence,
    der(derTag.octetString, sha256(leaf.der)),
    der(derTag.sequence, der(derTag.sequence, der(directoryName, leaf.issuer)), serialNumber),
  )
  const signingCertificate = attribute(
    attributeType.signingCertificateV2,
    der(derTag.sequence, der(derTag.sequence, certificateId)),
  )
  // RFC 5652 section 5.1: a SET, so in the order of its encodings.
  const embedded = der(
    context0,
    ...sortedEncodings([leaf, ...(includesChain ? above : [])].map((certificate) => certificate.der)),
  )
  const digestAlgorithms = der(derTag.set, digestAlgorithm)
  // Most stamps are of one policy.
  let lastPolicy: { readonly dotted: string; readonly encoded: Uint8Array } = {
    dotted: '',
    encoded: new Uint8Array(),
  }
  const encodePolicy = (dotted: string): Uint8Array => {
    if (lastPolicy.dotted !== dotted) lastPolicy = { dotted, encoded: derOid(dotted) }
    return lastPolicy.encoded
  }

  return async (stamp) => {
    const { request, policy, time, random20 } = stamp
    const digits = `${time.toISOString().slice(0, 19).replaceAll(/[-:T]/g, '')}Z`
    const info = der(
      derTag.sequence,
      version1,
      encodePolicy(policy),
      encodeImprint(request),
      der(derTag.integer, serialNumberFrom(random20)),
      der(generalizedTimeTag, utf8(digits)),
      accuracy,
      ...(request.nonce === undefined ? [] : [der(derTag.integer, request.nonce)]),
      authority,
    )
    const attributes = sortedEncodings([
      contentType,
      attribute(attributeType.signingTime, encodeSigningTime(digits)),
      attribute(attributeType.messageDigest, der(derTag.octetString, digest(hash, info))),
      signingCertificate,
    ])
    // Signed as a SET OF, and stored under another tag.
    const signature = await signer.sign(der(derTag.set, ...attributes))
    const signerInfo = der(
      derTag.sequence,
      version1,
      signerIdentifier,
      digestAlgorithm,
      der(context0, ...attributes),
      signatureAlgorithm,
      der(derTag.octetString, signature),
    )
    const signedData = der(
      derTag.sequence,
      version3,
      digestAlgorithms,
      der(derTag.sequence, tstInfoType, der(context0, der(derTag.octetString, info))),
      ...(request.certificates ? [embedded] : []),
      der(derTag.set, signerInfo),
    )
    const token = der(derTag.sequence, signedDataType, der(context0, signedData))
    const response = der(derTag.sequence, granted, token)
    await assertStamp(response, { ...stamp, leaf, hash })
    return response
  }
}

/** RFC 5652 section 11.3: two digits for the year until 2049. */
function encodeSigningTime(digits: string): Uint8Array {
  return digits < '2050' ? der(utcTimeTag, utf8(digits.slice(2))) : der(generalizedTimeTag, utf8(digits))
}

/** X.690 section 11.6. */
function sortedEncodings(encodings: readonly Uint8Array[]): readonly Uint8Array[] {
  return encodings.toSorted((a, b) => Buffer.compare(a, b))
}
