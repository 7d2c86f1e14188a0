/** tuf 0.0.1: signed metadata of a TUF repository, and the root that vouches for it. */
import {
  canonicalJson,
  encodePublicKeyPem,
  isObject,
  memberAt,
  sha256Hex,
  toBase64,
  utf8,
} from '@sigstack/crypto'
import type { EntryFacts, EntryVersion, Verified, VersionPolicy } from '../entry.ts'
import { EntryError } from '../errors.ts'
import { refusing, storedVerifiers } from '../foreign.ts'
import { type JsonObject, objectAt, parseBase64At, required } from '../json.ts'
import { searchKeysOf } from '../search-keys.ts'
import type { Verifier } from '../verifier.ts'
import type { TufKey } from './key.ts'
import {
  isSame,
  parseSigned,
  parseSignedBytes,
  parseVerifiedRoot,
  type Signed,
  storedSigners,
  verifyRole,
} from './metadata.ts'

/** base64 of 6 MiB; the largest targets files in use have half of it. */
const contentLimit = 8 * 1024 * 1024

export const tuf001: EntryVersion = { verify, factsOf }

async function verify(spec: JsonObject, policy: VersionPolicy): Promise<Verified> {
  const metadataContent = contentAt(spec, 'metadata')
  const rootContent = contentAt(spec, 'root')
  const now = policy.now()
  return refusing('', async () => {
    const metadata = parseContent(metadataContent, 'metadata')
    const root = await parseVerifiedRoot(parseContent(rootContent, 'root'), now)
    const signers = await verifyRole(root, metadata.type, metadata, now)
    return {
      body: encodeBody(metadata, root.signed),
      // Those of the root vouch for the others.
      verifiers: [...root.signers, ...signers.filter((key) => !root.signers.some(isSame(key)))].map(
        verifierOf,
      ),
      searchKeys: searchKeys(metadata, root.signed),
    }
  })
}

/** A body does not say which of its signatures counted, so they are checked again. */
function factsOf(spec: JsonObject): EntryFacts {
  const metadata = parseContent(contentAt(spec, 'metadata'), 'metadata')
  const root = parseContent(contentAt(spec, 'root'), 'root')
  return {
    verifiers: storedVerifiers(() => storedSigners(root, metadata).map(verifierOf)),
    searchKeys: searchKeys(metadata, root),
  }
}

function verifierOf({ publicKey }: TufKey): Verifier {
  return {
    keyHash: sha256Hex(encodePublicKeyPem(publicKey)),
    spki: publicKey.spki,
    chain: [],
    subjects: [],
  }
}

function contentAt(spec: JsonObject, name: 'metadata' | 'root'): unknown {
  const content = memberAt(objectAt(spec, name, name), 'content')
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
  return searchKeysOf({
    hashes: [metadata.hash, root.hash],
    words: [metadata.type, String(metadata.version)],
  })
}
