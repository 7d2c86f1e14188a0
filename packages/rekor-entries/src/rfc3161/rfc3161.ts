/** rfc3161 0.0.1: a timestamp response, kept as it was sent. */
import {
  canonicalJson,
  derTag,
  readDerChildren,
  readOnlyDer,
  sha256Hex,
  toBase64,
  utf8,
} from '@sigstack/crypto'
import { parseSignedData, type SignedData } from '../cms/signed-data.ts'
import { verifySignedData } from '../cms/verify-signed-data.ts'
import { indexForm, type VerifiedEntry } from '../entry.ts'
import { EntryError } from '../errors.ts'
import { refusing } from '../foreign.ts'
import { type JsonObject, objectAt, parseBase64At, textAt } from '../json.ts'
import type { EntryVersion } from '../kinds.ts'

const responseLimitBytes = 10 * 1024
const granted = 0
const grantedWithMods = 1

export const rfc3161001: EntryVersion = { verify, searchKeysOf }

async function verify(spec: JsonObject): Promise<VerifiedEntry> {
  const response = responseAt(spec)
  if (response.length > responseLimitBytes)
    throw new EntryError('bad_field', 'tsr exceeds maximum allowed size (10kB)')
  const token = await refusing('tsr', async () => parseResponse(response))
  await refusing('tsr verification error', () => verifySignedData(token))
  return {
    kind: 'rfc3161',
    apiVersion: '0.0.1',
    body: utf8(
      canonicalJson({
        apiVersion: '0.0.1',
        kind: 'rfc3161',
        spec: { tsr: { content: toBase64(response) } },
      }),
    ),
    searchKeys: searchKeys(response),
  }
}

function searchKeysOf(spec: JsonObject): readonly string[] {
  return searchKeys(responseAt(spec))
}

function responseAt(spec: JsonObject): Uint8Array {
  const content = textAt(objectAt(spec, 'tsr', 'tsr'), 'content', 'tsr.content')
  // Room for line breaks; the bytes themselves are counted afterwards.
  return parseBase64At(content, 'tsr content', responseLimitBytes * 2)
}

/** RFC 3161 section 2.4.2: PKIStatusInfo, then the token, which is there exactly when it was granted. */
function parseResponse(response: Uint8Array): SignedData {
  const [statusInfo, token, surplus] = readDerChildren(readOnlyDer(response, derTag.sequence).content)
  const [status] = statusInfo?.tag === derTag.sequence ? readDerChildren(statusInfo.content) : []
  if (status?.tag !== derTag.integer || status.content.length !== 1) throw broken('status is missing')
  const value = status.content[0]
  if (value !== granted && value !== grantedWithMods) throw broken(`status not granted: ${value}`)
  if (token?.tag !== derTag.sequence || surplus !== undefined) throw broken('the token is missing')
  return parseSignedData(token.whole)
}

function broken(reason: string): EntryError {
  return new EntryError('bad_format', reason)
}

function searchKeys(response: Uint8Array): readonly string[] {
  return indexForm([`sha256:${sha256Hex(response)}`])
}
