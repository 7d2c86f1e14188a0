/** Digests in proposals and bodies: `{"algorithm":"sha256","value":"<hex>"}`. */
import { isObject, memberAt } from '@sigstack/crypto'
import { EntryError } from './errors.ts'
import { type JsonObject, objectAt, textAt } from './json.ts'

/** `<algorithm>:<value>` of the hash object at `name`, as the index holds it. */
export function hashKeyAt(object: JsonObject, name: string, path: string): string {
  const hash = objectAt(object, name, path)
  return `${textAt(hash, 'algorithm', `${path}.algorithm`)}:${textAt(hash, 'value', `${path}.value`)}`
}

/** `sha256:<value>` of the hash object at `name`, where it is one. */
export function sha256KeyAt(object: JsonObject, name: string): string | undefined {
  const hash = memberAt(object, name)
  if (!isObject(hash) || memberAt(hash, 'algorithm') !== 'sha256') return undefined
  const value = memberAt(hash, 'value')
  return typeof value === 'string' ? `sha256:${value}` : undefined
}

/** The value of a given SHA-256 in lower-case hex: a digest has one spelling in a body. `path` names the object in refusals. */
export function parseSha256(hash: JsonObject, path: string): string {
  if (textAt(hash, 'algorithm', `${path}.algorithm`) !== 'sha256')
    throw new EntryError('bad_field', `${path}.algorithm in body should be one of [sha256]`)
  const value = textAt(hash, 'value', `${path}.value`)
  if (!/^[0-9a-fA-F]{64}$/.test(value)) throw new EntryError('bad_hash', 'invalid value for hash')
  return value.toLowerCase()
}
