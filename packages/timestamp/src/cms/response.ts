/** RFC 3161 responses and what is in them, part by part: what is not of its form is left out, and whoever reads it judges that. */
import { derTag, oidOf } from '@sigstack/crypto'
import { type Element, readElement } from './element.ts'

export type TimestampResponse = {
  readonly status: number | undefined
  /** A ContentInfo in DER. */
  readonly token: Uint8Array | undefined
}

/** Section 2.4.2: PKIStatusInfo, then the token and nothing else. Throws a CryptoError for what is no DER. */
export function parseTimestampResponse(response: Uint8Array): TimestampResponse {
  const [statusInfo, token, surplus] = readElement(response, derTag.sequence).children()
  const [status] = statusInfo?.tag === derTag.sequence ? statusInfo.children() : []
  return {
    status: status === undefined ? undefined : smallInteger(status),
    token: token?.tag === derTag.sequence && surplus === undefined ? token.whole : undefined,
  }
}

export type TstInfo = {
  readonly version: number | undefined
  readonly policy: string | undefined
  readonly hashAlgorithm: string | undefined
  readonly imprint: Uint8Array | undefined
  readonly serialNumber: Uint8Array | undefined
  readonly time: Date | undefined
}

/** The content of a token. Throws a CryptoError for what is no SEQUENCE in DER. */
export function parseTstInfo(content: Uint8Array): TstInfo {
  const [version, policy, imprint, serialNumber, time] = readElement(content, derTag.sequence).children()
  const [algorithm, hashed] = imprint?.tag === derTag.sequence ? imprint.children() : []
  const [oid] = algorithm?.tag === derTag.sequence ? algorithm.children() : []
  return {
    version: version === undefined ? undefined : smallInteger(version),
    policy: contentOf(policy, derTag.oid, oidOf),
    hashAlgorithm: contentOf(oid, derTag.oid, oidOf),
    imprint: contentOf(hashed, derTag.octetString, (bytes) => bytes),
    serialNumber: contentOf(serialNumber, derTag.integer, (bytes) => bytes),
    time: contentOf(time, generalizedTimeTag, timeOf),
  }
}

function contentOf<T>(
  element: Element | undefined,
  tag: number,
  read: (content: Uint8Array) => T,
): T | undefined {
  return element?.tag === tag ? read(element.content) : undefined
}

function smallInteger({ tag, content }: Element): number | undefined {
  return tag === derTag.integer && content.length === 1 ? content[0] : undefined
}

const generalizedTimeTag = 0x18
const generalizedTime = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\.\d{1,9})?Z$/

function timeOf(content: Uint8Array): Date | undefined {
  const text = Buffer.from(content).toString('latin1')
  const [, year, month, day, hour, minute, second, fraction = ''] = generalizedTime.exec(text) ?? []
  const time = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}${fraction}Z`)
  return Number.isNaN(time.getTime()) ? undefined : time
}
