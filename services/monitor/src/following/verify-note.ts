/** Heads as checkpoints (C2SP tlog-checkpoint): whether a key of the log has signed one. */
import {
  type Checkpoint,
  CheckpointError,
  type NoteKey,
  noteKeyHint,
  parseCheckpoint,
  rekorV1KeyHint,
  verifyCheckpoint,
  verifyLines,
} from '@sigstack/checkpoint'
import { equalBytes, type PublicKey } from '@sigstack/crypto'
import { FollowError } from './errors.ts'
import type { LogKind } from './tree.ts'

/** From the list of logs (`vkey`), or from the trusted root. */
export type LogKeys = {
  readonly noteKeys: readonly NoteKey[]
  readonly publicKeys: readonly PublicKey[]
}

/** The checkpoint in `note`. Throws `bad_signature`, with the note as evidence, and `bad_answer` for what is no checkpoint. */
export async function verifyNote(
  note: string,
  kind: LogKind,
  keys: LogKeys,
  url: string,
): Promise<Checkpoint> {
  const checkpoint = parsed(note, url)
  const { origin, signatures } = checkpoint
  const hintOf = (key: PublicKey) => (kind === 'rekor-v1' ? rekorV1KeyHint(key) : noteKeyHint(origin, key))
  try {
    const lines = await verifyLines(checkpoint, keys.noteKeys)
    if (lines.some(({ key }) => key.kind !== 'cosignature')) return checkpoint
    for (const publicKey of keys.publicKeys) {
      const keyHint = hintOf(publicKey)
      if (signatures.some((line) => equalBytes(line.keyHint, keyHint)))
        return await verifyCheckpoint(note, { publicKey, keyHint })
    }
  } catch (cause) {
    if (!(cause instanceof CheckpointError)) throw cause
    throw new FollowError('bad_signature', cause.message, { cause, evidence: note })
  }
  throw new FollowError('bad_signature', 'no known key of the log has signed the head', { evidence: note })
}

function parsed(note: string, url: string): Checkpoint {
  try {
    return parseCheckpoint(note)
  } catch (cause) {
    if (!(cause instanceof CheckpointError)) throw cause
    throw new FollowError('bad_answer', `${url} shows no checkpoint: ${cause.message}`, { cause })
  }
}
