/** What a response of any authority says, read by the library. Nothing of it is verified here. */
import { asBuffer, toHex } from '@sigstack/crypto'
import { type ContentInfo, IssuerAndSerialNumber, SignedData, TimeStampResp, TSTInfo } from 'pkijs'
import { malformed } from './errors.ts'
import { hashOf, signedDataOid, tstInfoOid } from './oids.ts'

export type StampFacts = {
  readonly status: number
  /** Where the authority says more about a refusal. */
  readonly statusText?: string
  readonly token?: TokenFacts
}

export type TokenFacts = {
  /** Dotted. */
  readonly policy: string
  /** By its name, or dotted where it has none here. */
  readonly hash: string
  readonly imprint: Uint8Array
  /** Content octets. */
  readonly nonce?: Uint8Array
  /** Hexadecimal, as the content octets stand. */
  readonly serialNumber: string
  readonly time: Date
  readonly accuracySeconds?: number
  readonly ordering: boolean
  /** DER Name, where the token says who stamped. */
  readonly authority?: Uint8Array
  /** Hexadecimal, of the certificate that signed. */
  readonly signerSerialNumber?: string
  /** DER certificates in the token, in its order. */
  readonly certificates: readonly Uint8Array[]
}

/** As of those that are verified; the library takes a second for as many arcs of an OBJECT IDENTIFIER. */
const longestBytes = 64 << 10

/** DER TimeStampResp. Throws a `TimestampError` with `malformed`. */
export function describeStamp(response: Uint8Array): StampFacts {
  if (response.length > longestBytes) throw malformed('the response is larger than any')
  try {
    const { status, timeStampToken } = TimeStampResp.fromBER(asBuffer(response))
    const [text] = status.statusStrings ?? []
    return {
      status: status.status,
      ...(text !== undefined && { statusText: String(text.getValue()) }),
      ...(timeStampToken !== undefined && { token: describeToken(timeStampToken) }),
    }
  } catch (cause) {
    throw malformed('the bytes are no response of a timestamp authority', cause)
  }
}

function describeToken(contentInfo: ContentInfo): TokenFacts {
  if (contentInfo.contentType !== signedDataOid) throw malformed('the token is not signed')
  const signedData = new SignedData({ schema: contentInfo.content })
  const { eContentType, eContent } = signedData.encapContentInfo
  if (eContentType !== tstInfoOid || eContent === undefined) throw malformed('the token holds no time')
  const info = TSTInfo.fromBER(eContent.getValue())
  const { hashAlgorithm, hashedMessage } = info.messageImprint
  const sid = signedData.signerInfos[0]?.sid
  const authority = info.tsa?.type === 4 ? new Uint8Array(info.tsa.value.toSchema().toBER()) : undefined
  return {
    policy: info.policy,
    hash: hashOf(hashAlgorithm.algorithmId) ?? hashAlgorithm.algorithmId,
    imprint: Uint8Array.from(hashedMessage.valueBlock.valueHexView),
    ...(info.nonce !== undefined && { nonce: Uint8Array.from(info.nonce.valueBlock.valueHexView) }),
    serialNumber: toHex(info.serialNumber.valueBlock.valueHexView),
    time: info.genTime,
    ...(info.accuracy !== undefined && {
      accuracySeconds:
        (info.accuracy.seconds ?? 0) + (info.accuracy.millis ?? 0) / 1e3 + (info.accuracy.micros ?? 0) / 1e6,
    }),
    ordering: info.ordering ?? false,
    ...(authority !== undefined && { authority }),
    ...(sid instanceof IssuerAndSerialNumber && {
      signerSerialNumber: toHex(sid.serialNumber.valueBlock.valueHexView),
    }),
    certificates: (signedData.certificates ?? []).map(
      (certificate) => new Uint8Array(certificate.toSchema().toBER()),
    ),
  }
}
