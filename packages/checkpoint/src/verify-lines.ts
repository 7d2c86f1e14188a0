/** Which of the keys that somebody knows have signed a checkpoint. */
import { equalBytes, quoted, utf8, verifySignature } from '@sigstack/crypto'
import type { Checkpoint } from './checkpoint.ts'
import { cosignatureTime } from './cosignature.ts'
import { CheckpointError } from './errors.ts'
import type { NoteKey } from './note-key.ts'
import { encodeSignatureLine, type NoteSignature } from './signed-note.ts'

export type VerifiedLine = {
  readonly key: NoteKey
  /** As it stands in the note, with its line feed. */
  readonly line: string
  /** Of a cosignature, in seconds since the epoch; undefined where the key signs no time. */
  readonly timeSeconds: bigint | undefined
}

/** Each costs a verification. */
const mostByOneKey = 16

/**
 * The lines by `keys`, in the note's order; lines of other keys are passed over. Throws `bad_signature` when one that bears the name and
 * hint of a key does not verify: such a note is malformed (C2SP signed-note). Throws `bad_note` when one key has signed more than 16 times.
 */
export async function verifyLines(
  checkpoint: Checkpoint,
  keys: readonly NoteKey[],
): Promise<readonly VerifiedLine[]> {
  const found = checkpoint.signatures.flatMap((line) => {
    const key = keys.find(({ name, keyHint }) => line.name === name && equalBytes(line.keyHint, keyHint))
    return key === undefined ? [] : [{ line, key }]
  })
  const counts = new Map<NoteKey, number>()
  for (const { key } of found) {
    const count = (counts.get(key) ?? 0) + 1
    if (count > mostByOneKey)
      throw new CheckpointError('bad_note', `${quoted(key.name)} has signed more than ${mostByOneKey} times`)
    counts.set(key, count)
  }
  const verified: VerifiedLine[] = []
  for (const { line, key } of found) verified.push(await verifyLine(checkpoint, line, key))
  return verified
}

async function verifyLine(checkpoint: Checkpoint, line: NoteSignature, key: NoteKey): Promise<VerifiedLine> {
  const text = encodeSignatureLine(line)
  if (key.kind === 'cosignature' || key.kind === 'ml-dsa-44') {
    const timeSeconds = await cosignatureTime(checkpoint, key, line.signature)
    if (timeSeconds !== undefined) return { key, line: text, timeSeconds }
  } else if (
    key.publicKey !== undefined &&
    (await verifySignature(key.publicKey, 'sha256', utf8(checkpoint.text), line.signature))
  )
    return { key, line: text, timeSeconds: undefined }
  throw new CheckpointError('bad_signature', `the signature of ${quoted(key.name)} does not verify`)
}
