/**
 * The largest checkpoint that was signed of a log, in a file beside its key. What is in the file is a checkpoint as anybody may have it,
 * and counts only if the log's key signed it.
 *
 * The promise: a head is on disk a second after it was signed, and the last one when the service was stopped in order. After a crash the
 * file may be behind by what was signed in that second. Nobody waits for it, so a folder that takes no file costs the promise alone.
 */

import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CheckpointError, parseCheckpoint } from '@sigstack/checkpoint'
import { errorCode, keyFingerprint, type PublicKey, reasonOf, toHex } from '@sigstack/crypto'
import { BackupError, type KeptHead, type SignedCheckpoint, type SignedHeads } from '@sigstack/log-engine'
import { replaceFile } from '@sigstack/server/files'
import { RekorLogError } from '../errors.ts'
import { verifyNote } from './signed-heads.ts'

export type KeptHeadsOptions = {
  readonly folder: string
  /** Of the log in its database. */
  readonly name: string
  readonly publicKey: PublicKey
  /** Told once when heads cannot be kept, and again after they could. */
  readonly onError: (error: unknown) => void
  /** Between two writes; default 1,000 ms. */
  readonly pauseMs?: number
}

export function keptHeads(options: KeptHeadsOptions): SignedHeads {
  const { folder, name, publicKey, onError, pauseMs = 1_000 } = options
  const logId = keyFingerprint(publicKey)
  const file = path.join(folder, nameOfHead(name, logId))
  const closing = new AbortController()
  let newest: SignedCheckpoint | undefined
  let written = 0n
  let writing: Promise<void> | undefined
  let isTroubled = false

  /** Replicas may share the folder, and one of them may be ahead. */
  async function write({ treeHead, note }: SignedCheckpoint): Promise<void> {
    try {
      const there = await readNote(file)
      const isAhead = there !== undefined && sizeOf(there) >= treeHead.size
      if (!isAhead) await replaceFile(file, note)
      written = treeHead.size
      isTroubled = false
    } catch (cause) {
      if (isTroubled) return
      isTroubled = true
      onError(new Error(`the newest signed head cannot be kept in ${file}: ${reasonOf(cause)}`, { cause }))
    }
  }

  function unwritten(): SignedCheckpoint | undefined {
    return newest !== undefined && newest.treeHead.size > written ? newest : undefined
  }

  /** The first one at once; in a burst the newest of each second, and what failed is tried again. */
  async function follow(): Promise<void> {
    const { signal } = closing
    for (let next = unwritten(); next !== undefined && !signal.aborted; next = unwritten()) {
      await write(next)
      await sleep(pauseMs, undefined, { ref: false, signal }).catch(() => undefined)
    }
    writing = undefined
  }

  return {
    read: async () => {
      const note = await readNote(file)
      if (note === undefined) return undefined
      try {
        const origin = parseCheckpoint(note).origin
        const { treeHead } = await verifyNote(
          { where: file, note },
          { origin, logId, publicKey: publicKey.spki },
        )
        return { ...treeHead, origin, where: file } satisfies KeptHead
      } catch (cause) {
        if (!(cause instanceof CheckpointError || cause instanceof BackupError)) throw cause
        throw new RekorLogError(
          'inconsistent',
          `${file} should hold the newest checkpoint that this log has signed, and does not: ${cause.message}. Bring the file back, or remove it if the database is known to be the newest state`,
          { cause },
        )
      }
    },
    keep: (checkpoint) => {
      if (checkpoint.treeHead.size <= (newest?.treeHead.size ?? 0n)) return
      newest = checkpoint
      writing ??= follow()
    },
    close: async () => {
      closing.abort()
      await writing
      const last = unwritten()
      if (last !== undefined) await write(last)
    },
  }
}

/** Several logs, and shards with one key, may have one folder. */
function nameOfHead(name: string, logId: Uint8Array): string {
  return `${name.replaceAll('/', '+')}.${toHex(logId).slice(0, 12)}.checkpoint`
}

async function readNote(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
}

/** What is no checkpoint is written over. */
function sizeOf(note: string): bigint {
  try {
    return parseCheckpoint(note).treeHead.size
  } catch {
    return 0n
  }
}
