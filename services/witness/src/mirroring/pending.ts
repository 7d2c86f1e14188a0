/** Checkpoints to which entries may be uploaded: the newest that the witness has taken, and some before it. */
import type { TreeHead } from '@sigstack/merkle'
import type { Witnessed } from '../cosigning/store.ts'

export type PendingCheckpoint = {
  readonly treeHead: TreeHead
  /** Text and verified lines of the log. */
  readonly checkpoint: string
}

export type Pending = {
  newest(origin: string): Promise<PendingCheckpoint | undefined>
  ofSize(origin: string, size: bigint): Promise<PendingCheckpoint | undefined>
  /** Tells of one that was taken. */
  note(taken: PendingCheckpoint & { readonly origin: string }): void
}

/** Of each log, so that a log that grows meanwhile can end its upload. Another process gets the newest by 409. */
const mostKept = 64

/** `read` gives what is kept for ever: the newest. */
export function createPending(read: (origin: string) => Promise<Witnessed | undefined>): Pending {
  const recent = new Map<string, Map<bigint, PendingCheckpoint>>()
  return {
    newest: read,
    ofSize: async (origin, size) => {
      const newest = await read(origin)
      return newest?.treeHead.size === size ? newest : recent.get(origin)?.get(size)
    },
    note: ({ origin, treeHead, checkpoint }) => {
      const kept = recent.get(origin) ?? new Map<bigint, PendingCheckpoint>()
      recent.set(origin, kept)
      kept.set(treeHead.size, { treeHead, checkpoint })
      if (kept.size > mostKept) for (const oldest of kept.keys()) return void kept.delete(oldest)
    },
  }
}
