/** Timestamps over bytes (RFC 3161), asked for as every authority understands it: in DER. */
import { sha256, withoutEnd } from '@sigstack/crypto'
import { encodeTimestampRequest } from '@sigstack/timestamp/encode-request'
import { type Exchange, postBytes } from './ask-service.ts'

const timeoutMs = 30_000

/**
 * DER TimeStampResp. Asked for as cosign asks: no nonce, since the imprint is of a signature that nobody made before, and no
 * certificate. Throws `ServiceError`.
 */
export function requestTimestamp(
  tsaUrl: string,
  stamped: Uint8Array,
  exchange: Exchange,
): Promise<Uint8Array> {
  return sendTimestampQuery(
    tsaUrl,
    encodeTimestampRequest({ hash: 'sha256', imprint: sha256(stamped) }),
    exchange,
  )
}

/** The answer to a DER TimeStampReq. Throws `ServiceError`. */
export async function sendTimestampQuery(
  tsaUrl: string,
  bytes: Uint8Array,
  exchange: Exchange,
): Promise<Uint8Array> {
  // A signing config gives the whole URL, older settings only the origin.
  const url = URL.parse(tsaUrl)?.pathname === '/' ? `${withoutEnd(tsaUrl, '/')}/api/v1/timestamp` : tsaUrl
  const query = { type: 'application/timestamp-query', bytes, accept: 'application/timestamp-reply' }
  return (await postBytes(url, query, { timeoutMs, exchange })).bytes
}
