/** An artifact that travels whole in its proposal, beside the digest that its sender may give. */
import { isObject, memberAt, sha256Hex } from '@sigstack/crypto'
import { EntryError } from './errors.ts'
import { hashKeyAt, parseSha256 } from './hash-fields.ts'
import { type JsonObject, objectAt, parseBase64At } from './json.ts'

/** base64 of 96 MiB: the limit on a whole request is the server's, and lower. */
const contentLimit = 128 * 1024 * 1024

export type Artifact = {
  readonly bytes: Uint8Array
  /** Hex SHA-256 of the bytes. */
  readonly sha256: string
}

/** The artifact under `name`; a digest sent along must be its own. `path` names the content in refusals. */
export function artifactAt(spec: JsonObject, name: 'package' | 'archive'): Artifact {
  const object = objectAt(spec, name, name)
  const hash = memberAt(object, 'hash')
  const given = isObject(hash) ? parseSha256(hash, `${name}.hash`) : undefined
  const content = memberAt(object, 'content')
  if (typeof content !== 'string' || content === '')
    throw given === undefined
      ? new EntryError('bad_field', "'content' must be specified for package")
      : new EntryError('not_insertable', `entry not insertable into log: missing ${name} content`)
  const bytes = parseBase64At(content, `${name} content`, contentLimit)
  const sha256 = sha256Hex(bytes)
  if (given !== undefined && given !== sha256)
    throw new EntryError('bad_hash', `SHA mismatch: ${sha256} != ${given}`)
  return { bytes, sha256 }
}

/** `sha256:<hex>` of a stored entry. */
export function storedArtifactHash(spec: JsonObject, name: 'package' | 'archive'): string {
  return hashKeyAt(objectAt(spec, name, name), 'hash', `${name}.hash`)
}
