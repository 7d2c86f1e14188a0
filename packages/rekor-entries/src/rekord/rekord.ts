/** rekord 0.0.1: a signature over an artifact that travels whole, of which the digest is logged. */
import { canonicalJson, isObject, memberAt, sha256Hex, toBase64, utf8 } from '@sigstack/crypto'
import type { EntryFacts, EntryVersion, Verified } from '../entry.ts'
import { EntryError } from '../errors.ts'
import { hashKeyAt, parseSha256 } from '../hash-fields.ts'
import { type JsonObject, objectAt, parseBase64At, textAt } from '../json.ts'
import { searchKeysOf } from '../search-keys.ts'
import { type SignatureFormat, signatureFormats, type VerifiedSignature } from './formats.ts'

export const rekord001: EntryVersion = { verify, factsOf }

async function verify(spec: JsonObject): Promise<Verified> {
  const signature = objectAt(spec, 'signature', 'signature')
  const { name, format } = parseFormat(signature)
  const signatureContent = textAt(signature, 'content', 'signature.content')
  const keyContent = keyContentOf(signature)
  const { artifact, digest } = parseData(objectAt(spec, 'data', 'data'))
  const verified = await format.verify(
    artifact,
    parseBase64At(signatureContent, 'signature content', format.signatureLimit),
    parseBase64At(keyContent, 'signature publicKey content', format.keyLimit),
  )
  return {
    body: encodeBody(name, verified, digest),
    ...facts(verified, `sha256:${digest}`),
  }
}

function factsOf(spec: JsonObject): EntryFacts {
  const signature = objectAt(spec, 'signature', 'signature')
  const { format } = parseFormat(signature)
  const key = parseBase64At(keyContentOf(signature), 'signature publicKey content', format.keyLimit)
  return facts(format.stored(key), hashKeyAt(objectAt(spec, 'data', 'data'), 'hash', 'data.hash'))
}

function facts(
  { verifier, subjects }: Pick<VerifiedSignature, 'verifier' | 'subjects'>,
  digest: string,
): EntryFacts {
  const searchKeys = searchKeysOf({ hashes: [verifier.keyHash], subjects, digests: [digest] })
  return { verifiers: [verifier], searchKeys }
}

function parseFormat(signature: JsonObject): { name: string; format: SignatureFormat } {
  const name = textAt(signature, 'format', 'signature.format')
  const format = signatureFormats.get(name)
  if (format !== undefined) return { name, format }
  const names = [...signatureFormats.keys()].join(' ')
  throw new EntryError('bad_field', `signature.format in body should be one of [${names}]`)
}

function keyContentOf(signature: JsonObject): string {
  const publicKey = objectAt(signature, 'publicKey', 'signature.publicKey')
  return textAt(publicKey, 'content', 'signature.publicKey.content')
}

/** The digest may be given along, and must be that of the content then. */
function parseData(data: JsonObject): { artifact: Uint8Array; digest: string } {
  const hash = memberAt(data, 'hash')
  const given = isObject(hash) ? parseSha256(hash, 'data.hash') : undefined
  const content = memberAt(data, 'content')
  if (typeof content !== 'string' || content === '') {
    if (given === undefined) throw new EntryError('bad_field', "'content' must be specified for data")
    throw new EntryError('not_insertable', 'entry not insertable into log: missing data content')
  }
  const artifact = parseBase64At(content, 'data content', Number.MAX_SAFE_INTEGER)
  const digest = sha256Hex(artifact)
  if (given !== undefined && given !== digest)
    throw new EntryError('bad_hash', `SHA mismatch: ${digest} != ${given}`)
  return { artifact, digest }
}

function encodeBody(format: string, { signature, key }: VerifiedSignature, digest: string): Uint8Array {
  return utf8(
    canonicalJson({
      apiVersion: '0.0.1',
      kind: 'rekord',
      spec: {
        data: { hash: { algorithm: 'sha256', value: digest } },
        signature: {
          content: toBase64(signature),
          format,
          publicKey: { content: toBase64(key) },
        },
      },
    }),
  )
}
