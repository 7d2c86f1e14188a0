/**
 * The largest checkpoint that was signed of a log, in a file beside its key. What is in the file is a checkpoint as anybody may have it,
 * and counts only if the log's key signed it.
 *
 * The promise: a head is on disk a second after it was signed, or after its entries were written where heads are signed when they are
 * asked for; and the last one when the service was stopped in order. After a crash the file may be behind by what came in that second.
 * Nobody waits for it, so a folder that takes no file costs the promise alone.
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
  /** Signs a head that is newer, and has it kept here. */
  let signNewer: (() => Promise<unknown>) | undefined
  let written = 0n
  let writing: Promise<void> | undefined
  let isTroubled = false

  async function write(): Promise<void> {
    try {
      try {
        await signDue()
      } finally {
        await writeNewest()
      }
      isTroubled = false
    } catch (cause) {
      if (isTroubled) return
      isTroubled = true
      onError(new Error(`the newest signed head cannot be kept in ${file}: ${reasonOf(cause)}`, { cause }))
    }
  }

  async function signDue(): Promise<void> {
    const sign = signNewer
    signNewer = undefined
    await sign?.().catch((error: unknown) => {
      signNewer ??= sign
      throw error
    })
  }

  /** Replicas may share the folder, and one of them may be ahead. */
  async function writeNewest(): Promise<void> {
    const next = unwritten()
    if (next === undefined) return
    const { treeHead, note } = next
    const there = await readNote(file)
    const isAhead = there !== undefined && sizeOf(there) >= treeHead.size
    if (!isAhead) await replaceFile(file, note)
    written = treeHead.size
  }

  function unwritten(): SignedCheckpoint | undefined {
    return newest !== undefined && newest.treeHead.size > written ? newest : undefined
  }

  const isBehind = () => signNewer !== undefined || unwritten() !== undefined

  /** The first one at once; in a burst the newest of each second, and what failed is tried again. */
  async function writeInTurns(): Promise<void> {
    const { signal } = closing
    while (isBehind() && !signal.aborted) {
      await write()
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
      writing ??= writeInTurns()
    },
    follow: (sign) => {
      signNewer = sign
      writing ??= writeInTurns()
    },
    close: async () => {
      closing.abort()
      await writing
      if (isBehind()) await write()
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
