/** rfc3161 0.0.1: a timestamp response, kept as it was sent. */
import { canonicalJson, sha256Hex, toBase64, utf8 } from '@sigstack/crypto'
import { parseTimestampResponse, parseTstInfo, type SignedData, tstInfoOid } from '@sigstack/timestamp/cms'
import { parseSignedData } from '../cms/signed-data.ts'
import { signersOf, verifySignedData } from '../cms/verify-signed-data.ts'
import type { EntryFacts, EntryVersion, Verified } from '../entry.ts'
import { EntryError } from '../errors.ts'
import { refusing, storedVerifiers } from '../foreign.ts'
import { type JsonObject, objectAt, parseBase64At, textAt } from '../json.ts'
import { verifierOf } from '../keys/canonical-key.ts'
import { searchKeysOf } from '../search-keys.ts'

const responseLimitBytes = 10 * 1024
const granted = 0
const grantedWithMods = 1

export const rfc3161001: EntryVersion = { verify, factsOf }

async function verify(spec: JsonObject): Promise<Verified> {
  const response = responseAt(spec)
  if (response.length > responseLimitBytes)
    throw new EntryError('bad_field', 'tsr exceeds maximum allowed size (10kB)')
  const token = await refusing('tsr', async () => {
    const signedData = parseResponse(response)
    assertTimestamp(signedData)
    return signedData
  })
  const signers = await refusing('tsr verification error', () => verifySignedData(token))
  return {
    body: utf8(
      canonicalJson({
        apiVersion: '0.0.1',
        kind: 'rfc3161',
        spec: { tsr: { content: toBase64(response) } },
      }),
    ),
    verifiers: signers.map(verifierOf),
    searchKeys: searchKeys(response),
  }
}

function factsOf(spec: JsonObject): EntryFacts {
  const response = responseAt(spec)
  return {
    verifiers: storedVerifiers(() => signersOf(parseResponse(response)).map(verifierOf)),
    searchKeys: searchKeys(response),
  }
}

function responseAt(spec: JsonObject): Uint8Array {
  const content = textAt(objectAt(spec, 'tsr', 'tsr'), 'content', 'tsr.content')
  // Room for line breaks; the bytes themselves are counted afterwards.
  return parseBase64At(content, 'tsr content', responseLimitBytes * 2)
}

/** The token is there exactly when it was granted. */
function parseResponse(response: Uint8Array): SignedData {
  const { status, token } = parseTimestampResponse(response)
  if (status === undefined) throw broken('status is missing')
  if (status !== granted && status !== grantedWithMods) throw broken(`status not granted: ${status}`)
  if (token === undefined) throw broken('the token is missing')
  return parseSignedData(token)
}

/** RFC 3161 section 2.4.2. Anything that somebody has signed as CMS, such as a mail, would be a timestamp otherwise. */
function assertTimestamp({ contentType, content, signers }: SignedData): void {
  if (contentType !== tstInfoOid || content === undefined) throw broken(`no timestamp token: ${contentType}`)
  if (signers.length > 1) throw broken('a timestamp token has one signer')
  const { version, ...members } = parseTstInfo(content)
  if (version !== 1 || Object.values(members).includes(undefined)) throw broken('TSTInfo is malformed')
}

function broken(reason: string): EntryError {
  return new EntryError('bad_format', reason)
}

function searchKeys(response: Uint8Array): readonly string[] {
  return searchKeysOf({ digests: [`sha256:${sha256Hex(response)}`] })
}
