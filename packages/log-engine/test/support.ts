/** Logs for tests: drafts from text, and a checkpoint signer that signs nothing. */
import { leafHash, type TreeHead, verifyInclusion } from '@sigstack/merkle'
import type { Pool } from '@sigstack/postgres'
import { type Appended, type EntryDraft, type Log, type LogOptions, openLog } from '../src/index.ts'

export const logId = new Uint8Array(32).fill(7)

export function draft(text: string): EntryDraft {
  const leaf = Buffer.from(text)
  return { identity: leafHash(leaf), encode: () => ({ leaf }) }
}

export const signNothing = async ({ size, rootHash }: TreeHead, origin: string): Promise<string> =>
  `${origin}\n${size}\n${Buffer.from(rootHash).toString('base64')}\n`

export function openTestLog(pool: Pool, options: Partial<LogOptions> = {}): Promise<Log> {
  return openLog({
    pool,
    name: 'test',
    logId,
    newOrigin: () => 'log.example.org',
    signCheckpoint: signNothing,
    ...options,
  })
}

/** Throws unless the answer proves its entry to its checkpoint. */
export function verifyAppended({ entry, inclusionProof, checkpoint }: Appended): void {
  verifyInclusion(inclusionProof, entry.leafHash, checkpoint.treeHead.rootHash)
  if (inclusionProof.treeSize !== checkpoint.treeHead.size)
    throw new Error('proof and checkpoint are of two trees')
  if (!checkpoint.note.includes(`\n${checkpoint.treeHead.size}\n`))
    throw new Error('the note is of another tree')
}
