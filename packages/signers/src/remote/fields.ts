/** What services answer, read without trust. */
import { parseBase64 } from '@sigstack/crypto'
import { SignerError } from '../errors.ts'

/** The member of a JSON object, or undefined. */
export function field(value: unknown, ...path: readonly string[]): unknown {
  let at = value
  for (const name of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, name)) return undefined
    at = (at as Readonly<Record<string, unknown>>)[name]
  }
  return at
}

export function textField(value: unknown, ...path: readonly string[]): string | undefined {
  const found = field(value, ...path)
  return typeof found === 'string' ? found : undefined
}

/** The bytes of a base64 member. Throws `bad_signature` where there are none: every caller looks for a signature. */
export function signatureField(uri: string, text: string | undefined): Uint8Array {
  try {
    if (text !== undefined && text !== '') return parseBase64(text)
  } catch {
    // Told below, with the key's name.
  }
  throw new SignerError('bad_signature', `${uri}: the answer holds no signature`)
}
