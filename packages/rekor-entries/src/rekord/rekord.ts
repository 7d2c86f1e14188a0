/** rekord 0.0.1: a signature over an artifact that travels whole, of which the digest is logged. */
import { asBuffer, canonicalJson, sha256Hex, toBase64, utf8 } from '@sigstack/crypto'
import { indexForm, type VerifiedEntry } from '../entry.ts'
import { EntryError } from '../errors.ts'
import { hashKeyAt, parseSha256 } from '../hash-fields.ts'
import { isObject, type JsonObject, memberOf, objectAt, parseBase64At, textAt } from '../json.ts'
import { parseCanonicalKey } from '../keys/canonical-key.ts'
import { pgpSubjectsOf } from '../keys/pgp/subjects.ts'
import type { EntryVersion } from '../kinds.ts'
import { type SignatureFormat, signatureFormats, type VerifiedSignature } from './formats.ts'

export const rekord001 = { verify, searchKeysOf } satisfies EntryVersion

async function verify(spec: JsonObject): Promise<VerifiedEntry> {
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
    kind: 'rekord',
    apiVersion: '0.0.1',
    body: encodeBody(name, verified, digest),
    searchKeys: indexForm([sha256Hex(verified.key), ...verified.subjects, `sha256:${digest}`]),
  }
}

/** Without the comment of an SSH key, which is not logged. */
function searchKeysOf(spec: JsonObject): readonly string[] {
  const signature = objectAt(spec, 'signature', 'signature')
  const { name, format } = parseFormat(signature)
  const key = parseBase64At(keyContentOf(signature), 'signature publicKey content', format.keyLimit)
  return indexForm([
    sha256Hex(key),
    ...subjectsOf(name, key),
    hashKeyAt(objectAt(spec, 'data', 'data'), 'hash', 'data.hash'),
  ])
}

function subjectsOf(format: string, key: Uint8Array): readonly string[] {
  if (format === 'x509') return parseCanonicalKey(key).subjects
  return format === 'pgp' ? pgpSubjectsOf(asBuffer(key).toString('latin1')) : []
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
  const hash = memberOf(data, 'hash')
  const given = isObject(hash) ? parseSha256(hash, 'data.hash') : undefined
  const content = memberOf(data, 'content')
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
