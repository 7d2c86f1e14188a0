/** tuf 0.0.1: signed metadata of a TUF repository, and the root that vouches for it. */
import { canonicalJson, toBase64, utf8 } from '@sigstack/crypto'
import { indexForm, type VerifiedEntry } from '../entry.ts'
import { EntryError } from '../errors.ts'
import { refusing } from '../foreign.ts'
import { isObject, type JsonObject, memberOf, objectAt, parseBase64At, required } from '../json.ts'
import type { EntryVersion } from '../kinds.ts'
import { parseSigned, parseSignedBytes, parseVerifiedRoot, type Signed, verifyRole } from './metadata.ts'

/** base64 of 6 MiB; the largest targets files in use have half of it. */
const contentLimit = 8 * 1024 * 1024

export const tuf001: EntryVersion = { verify, searchKeysOf }

async function verify(spec: JsonObject): Promise<VerifiedEntry> {
  const metadataContent = contentAt(spec, 'metadata')
  const rootContent = contentAt(spec, 'root')
  return refusing('', async () => {
    const metadata = parseContent(metadataContent, 'metadata')
    const root = await parseVerifiedRoot(parseContent(rootContent, 'root'))
    await verifyRole(root, metadata.type, metadata)
    return {
      kind: 'tuf',
      apiVersion: '0.0.1',
      body: encodeBody(metadata, root.signed),
      searchKeys: searchKeys(metadata, root.signed),
    }
  })
}

function searchKeysOf(spec: JsonObject): readonly string[] {
  const metadata = parseContent(contentAt(spec, 'metadata'), 'metadata')
  return searchKeys(metadata, parseContent(contentAt(spec, 'root'), 'root'))
}

function contentAt(spec: JsonObject, name: 'metadata' | 'root'): unknown {
  const content = memberOf(objectAt(spec, name, name), 'content')
  if (content === undefined || content === null) throw required(`${name}.content`)
  return content
}

/** The document itself, or its JSON in base64: that form keeps numbers and order as they were. */
function parseContent(content: unknown, name: 'metadata' | 'root'): Signed {
  if (typeof content === 'string')
    return parseSignedBytes(parseBase64At(content, `TUF ${name} content`, contentLimit))
  if (!isObject(content)) throw new EntryError('bad_format', `tuf: the ${name} is neither object nor base64`)
  return parseSigned(content)
}

function encodeBody(metadata: Signed, root: Signed): Uint8Array {
  return utf8(
    canonicalJson({
      apiVersion: '0.0.1',
      kind: 'tuf',
      spec: {
        metadata: { content: toBase64(metadata.canonical) },
        root: { content: toBase64(root.canonical) },
        spec_version: root.specVersion === '' ? undefined : root.specVersion,
      },
    }),
  )
}

function searchKeys(metadata: Signed, root: Signed): readonly string[] {
  return indexForm([metadata.hash, metadata.type, String(metadata.version), root.hash])
}
