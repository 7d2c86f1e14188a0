/** A timestamp as a file of its own: cosign's is `{"SignedRFC3161Timestamp":"<base64>"}`, openssl's the DER response itself. */
import { parseStrictJson, StrictJsonError, toBase64 } from '@sigstack/crypto'
import { CliError } from '../errors.ts'
import { readInput } from '../files.ts'
import type { Io } from '../io.ts'

/** In either form. Throws `bad_bundle`. */
export async function readTimestampFile(io: Io, path: string): Promise<Uint8Array> {
  const bytes = await readInput(io, path)
  if (bytes[0] !== 0x7b) return bytes
  try {
    const value = parseStrictJson(bytes, { mostNames: 10 }) as { SignedRFC3161Timestamp?: unknown }
    if (typeof value.SignedRFC3161Timestamp === 'string')
      return Buffer.from(value.SignedRFC3161Timestamp, 'base64')
  } catch (cause) {
    if (!(cause instanceof StrictJsonError)) throw cause
  }
  throw new CliError('bad_bundle', `${path} holds no timestamp`)
}

/** In cosign's form. */
export function timestampFile(timestamp: Uint8Array): string {
  return JSON.stringify({ SignedRFC3161Timestamp: toBase64(timestamp) })
}
