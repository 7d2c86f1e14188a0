/** What services answer, read without trust. */
import { memberAt, parseBase64 } from '@sigstack/crypto'
import { SignerError } from '../errors.ts'

export function textField(value: unknown, ...path: readonly string[]): string | undefined {
  const found = memberAt(value, ...path)
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
