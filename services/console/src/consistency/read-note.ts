/** The older head as somebody brings it: a signed note, or a bundle that holds one. Pure. */
import { type Checkpoint, CheckpointError, encodeSignatureLine, parseCheckpoint } from '@sigstack/checkpoint'
import { escaped, parseBoundedJson } from '@sigstack/crypto'
import { attempt } from '../attempt.ts'
import { textAt } from '../text-at.ts'

export class NoteError extends Error {
  override readonly name = 'NoteError'
}

/** ECDSA and Ed25519 of logs and witnesses are shorter; with others the address of the page would be too long. */
const longestSignature = 200
const mostLines = 16
/** Of the 16 KiB that Node takes with all headers. */
const longestAddress = 8_000

/** Throws a {@link NoteError} whose message is for who brought it. */
export function readNote(text: string): Checkpoint {
  const json = attempt(() => parseBoundedJson(text))
  const inBundle = textAt(
    json,
    'verificationMaterial',
    'tlogEntries',
    0,
    'inclusionProof',
    'checkpoint',
    'envelope',
  )
  const note = (inBundle ?? text).replaceAll('\r\n', '\n').trimStart()
  try {
    return parseCheckpoint(`${note.trimEnd()}\n`)
  } catch (error) {
    if (!(error instanceof CheckpointError)) throw error
    throw new NoteError(`this is no signed tree head, and no bundle with one: ${escaped(error.message, 300)}`)
  }
}

/** The note with those of its lines that have room in an address. Throws a {@link NoteError} where its text has none. */
export function shortNote({ text, signatures }: Checkpoint): string {
  const lines = signatures.filter(({ signature }) => signature.length <= longestSignature).slice(0, mostLines)
  const note = `${text}\n${lines.map(encodeSignatureLine).join('')}`
  if (encodeURIComponent(note).length > longestAddress)
    throw new NoteError('this tree head is too long to be compared here')
  return note
}
