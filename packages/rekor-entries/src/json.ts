/** Reading members of untrusted JSON. A member of a wrong type counts as absent, as it does in Rekor. */
import { CryptoError, isObject, memberAt, parseBase64 } from '@sigstack/crypto'
import { EntryError } from './errors.ts'

export type JsonObject = { readonly [name: string]: unknown }

export function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value)
}

export function objectAt(object: JsonObject, name: string, path: string): JsonObject {
  const value = memberAt(object, name)
  if (!isObject(value)) throw required(path)
  return value
}

export function textAt(object: JsonObject, name: string, path: string): string {
  const value = memberAt(object, name)
  if (typeof value !== 'string' || value === '') throw required(path)
  return value
}

/** Decodes base64 of at most `limit` characters. */
export function parseBase64At(text: string, path: string, limit: number): Uint8Array {
  if (text.length > limit)
    throw new EntryError('bad_field', `${path} in body should be at most ${limit} chars long`)
  try {
    return parseBase64(text)
  } catch (cause) {
    if (!(cause instanceof CryptoError)) throw cause
    throw new EntryError('bad_base64', `failed parsing base64 data for ${path}`, { cause })
  }
}

export function required(path: string): EntryError {
  return new EntryError('bad_field', `${path} in body is required`)
}
