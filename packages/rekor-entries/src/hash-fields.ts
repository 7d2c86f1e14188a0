/** Digests in proposals and bodies: `{"algorithm":"sha256","value":"<hex>"}`. */
import { EntryError } from './errors.ts'
import { type JsonObject, objectAt, textAt } from './json.ts'

/** `<algorithm>:<value>` of the hash object at `name`, as the index holds it. */
export function hashKeyAt(object: JsonObject, name: string, path: string): string {
  const hash = objectAt(object, name, path)
  return `${textAt(hash, 'algorithm', `${path}.algorithm`)}:${textAt(hash, 'value', `${path}.value`)}`
}

/** The value of a given SHA-256 in hex, in its case. `path` names the object in refusals. */
export function parseSha256(hash: JsonObject, path: string): string {
  if (textAt(hash, 'algorithm', `${path}.algorithm`) !== 'sha256')
    throw new EntryError('bad_field', `${path}.algorithm in body should be one of [sha256]`)
  const value = textAt(hash, 'value', `${path}.value`)
  if (!/^[0-9a-fA-F]{64}$/.test(value)) throw new EntryError('bad_hash', 'invalid value for hash')
  return value
}
