/** Checkpoints as operators have them at hand: a kept note, or what a running log says of itself and all its shards. */
import {
  type Checkpoint,
  CheckpointError,
  noteKeyHint,
  parseCheckpoint,
  rekorV1KeyHint,
  verifyCheckpoint,
} from '@sigstack/checkpoint'
import { CryptoError, keyFingerprint, parsePublicKey, reasonOf } from '@sigstack/crypto'
import { BackupError } from '@sigstack/log-engine'
import { parseOrigin } from '../shards/tree-id.ts'

/** Where a checkpoint comes from, in words, and its text. */
export type CheckpointSource = { readonly where: string; readonly text: string }

/** A note that nobody has verified yet. */
export type FoundNote = { readonly where: string; readonly note: string; readonly origin: string }

/** @param text A checkpoint, or the answer of `/api/v1/log`. Throws `bad_checkpoint`. */
export function notesIn({ where, text }: CheckpointSource): readonly FoundNote[] {
  const notes = text.startsWith('{') ? notesOfLogInfo(text) : [text]
  return notes.map((note) => {
    try {
      return { where, note, origin: parseCheckpoint(note).origin }
    } catch (cause) {
      throw new BackupError('bad_checkpoint', `${where} holds no checkpoint: ${reasonOf(cause)}`, { cause })
    }
  })
}

/** Oldest shard first. What is no such answer gives texts that are no checkpoints. */
function notesOfLogInfo(text: string): readonly string[] {
  type Info = { readonly signedTreeHead?: unknown }
  let info: Info & { readonly inactiveShards?: unknown }
  try {
    info = JSON.parse(text) as typeof info
  } catch {
    return [text]
  }
  const inactive = Array.isArray(info.inactiveShards) ? (info.inactiveShards as readonly Info[]) : []
  return [...inactive, info].map(({ signedTreeHead }) => String(signedTreeHead))
}

/** Throws `bad_checkpoint` unless the note is signed by that key for that origin. */
export async function verifyNote(
  { where, note }: Pick<FoundNote, 'where' | 'note'>,
  log: { readonly origin: string; readonly logId: Uint8Array; readonly publicKey: Uint8Array },
): Promise<Checkpoint> {
  const refuse = (why: string, cause?: unknown) =>
    new BackupError(
      'bad_checkpoint',
      `the checkpoint of ${log.origin} from ${where} does not verify: ${why}`,
      {
        cause,
      },
    )
  try {
    const publicKey = parsePublicKey(log.publicKey)
    if (Buffer.compare(keyFingerprint(publicKey), log.logId) !== 0) {
      throw refuse('the key beside it is not the one that the log ID names')
    }
    const { origin } = log
    // Rekor's checkpoints have a key hint of their own.
    const keyHint =
      parseOrigin(origin) === undefined ? noteKeyHint(origin, publicKey) : rekorV1KeyHint(publicKey)
    const checkpoint = await verifyCheckpoint(note, { publicKey, keyHint })
    if (checkpoint.origin !== origin) throw refuse('it is of another log')
    return checkpoint
  } catch (cause) {
    if (cause instanceof CheckpointError || cause instanceof CryptoError) throw refuse(cause.message, cause)
    throw cause
  }
}
