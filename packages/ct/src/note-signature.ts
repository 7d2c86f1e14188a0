/** The signature of a CT log in a checkpoint, RFC6962NoteSignature (C2SP static-ct-api): a tree head of RFC 6962 in a note. */
import { concatBytes, sha256, utf8 } from '@sigstack/crypto'
import { type DigitallySigned, encodeDigitallySigned, readDigitallySigned } from './digitally-signed.ts'
import { createTlsReader, encodeTimestamp, readTimestamp } from './tls.ts'

const signatureType = 0x05

/** @param logId SHA-256 of the key's SubjectPublicKeyInfo. */
export function ctNoteKeyHint(origin: string, logId: Uint8Array): Uint8Array {
  return sha256(concatBytes(utf8(`${origin}\n`), Uint8Array.of(signatureType), logId)).subarray(0, 4)
}

export type CtNoteSignature = { readonly timestampMs: number; readonly signature: DigitallySigned }

export function encodeCtNoteSignature({ timestampMs, signature }: CtNoteSignature): Uint8Array {
  return concatBytes(encodeTimestamp(timestampMs), encodeDigitallySigned(signature))
}

/** Throws CtError. */
export function parseCtNoteSignature(bytes: Uint8Array): CtNoteSignature {
  const reader = createTlsReader(bytes, 'the signature in the note')
  const timestampMs = readTimestamp(reader)
  const signature = readDigitallySigned(reader)
  reader.end()
  return { timestampMs, signature }
}
