/**
 * The signed note (C2SP signed-note): text, an empty line, and at least one signature line
 * `— <name> <base64(4-byte key hint ‖ signature)>`. What is signed is the text with its last line feed.
 */
import { asBuffer, parseBase64, quoted, toBase64 } from '@sigstack/crypto'
import { CheckpointError } from './errors.ts'

export type NoteSignature = {
  readonly name: string
  /** First 4 bytes of the hash that stands for the key. */
  readonly keyHint: Uint8Array
  readonly signature: Uint8Array
}

export type SignedNote = {
  /** Ends with a line feed; these are the signed bytes. */
  readonly text: string
  readonly signatures: readonly NoteSignature[]
}

export const keyHintBytes = 4

// A checkpoint is some 300 bytes, and each of its witnesses adds a line.
const longestNote = 1_000_000
const mostSignatures = 1_000
const signaturePrefix = '\u2014 '
const forbiddenCharacter = /[\p{Cc}\uFFFD]/u

/** Strict: no control character but line feed, exactly one empty line, every line ended. Throws `bad_note`. */
export function parseSignedNote(note: string): SignedNote {
  if (note.length > longestNote) throw bad(`it is longer than ${longestNote} characters`)
  if (!note.isWellFormed()) throw bad('it is not UTF-8')
  if (forbiddenCharacter.test(note.replaceAll('\n', ''))) throw bad('it holds control characters')
  const split = note.indexOf('\n\n')
  if (split < 1) throw bad('no empty line parts text and signatures')
  if (note.includes('\n\n', split + 1)) throw bad('it holds more than one empty line')
  if (!note.endsWith('\n')) throw bad('its last line does not end with a line feed')
  const lines = note.slice(split + 2, -1).split('\n')
  if (lines.length > mostSignatures) throw bad(`it holds more than ${mostSignatures} signatures`)
  return { text: note.slice(0, split + 1), signatures: lines.map(parseSignatureLine) }
}

/** Whether `name` may stand in a signature line: not empty, no white space, no plus sign. */
export function isKeyName(name: string): boolean {
  return name !== '' && name.isWellFormed() && !/[\s+\p{Cc}\p{Z}]/u.test(name)
}

export function encodeSignatureLine({ name, keyHint, signature }: NoteSignature): string {
  if (!isKeyName(name)) throw bad(`the key name ${quoted(name)} holds white space or a plus sign`)
  if (keyHint.length !== keyHintBytes) throw bad(`a key hint has ${keyHintBytes} bytes`)
  return `${signaturePrefix}${name} ${toBase64(Buffer.concat([keyHint, signature]))}\n`
}

function parseSignatureLine(line: string): NoteSignature {
  const space = line.indexOf(' ', signaturePrefix.length)
  if (!line.startsWith(signaturePrefix) || space === -1) throw bad('a signature line is malformed')
  const name = line.slice(signaturePrefix.length, space)
  if (!isKeyName(name)) throw bad('a signature line names no key')
  let blob: Buffer
  try {
    blob = asBuffer(parseBase64(line.slice(space + 1)))
  } catch (cause) {
    throw bad('a signature is not base64', cause)
  }
  if (blob.length <= keyHintBytes) throw bad('a signature is too short')
  return { name, keyHint: blob.subarray(0, keyHintBytes), signature: blob.subarray(keyHintBytes) }
}

function bad(why: string, cause?: unknown): CheckpointError {
  return new CheckpointError('bad_note', `not a signed note: ${why}`, { cause })
}
