/**
 * Appending, from the queue to the answer. The numbers are those of docs/life-of-an-entry.md; those between are in sequence.ts.
 */
import { errorCode } from '@sigstack/crypto'
import { type InclusionProof, verifyInclusions } from '@sigstack/merkle'
import { PostgresError } from '@sigstack/postgres'
import { LogError } from './errors.ts'
import type { Appended, EntryDraft, LogWriter, Placed, SignedCheckpoint } from './log.ts'
import { asLogError } from './or-unavailable.ts'
import type { Publisher } from './publish.ts'
import { createQueue } from './queue.ts'
import type { TreeReader } from './read-tree.ts'
import type { Sequenced, Sequencer } from './sequence.ts'
import { tell } from './tell.ts'

export type BatchReport = {
  readonly entries: number
  readonly duplicates: number
  readonly durationMs: number
}

export type WriterOptions = {
  readonly sequencer: Sequencer
  readonly publisher: Publisher
  readonly reader: TreeReader
  readonly queueLimit: number
  readonly batchLimit: number
  readonly onBatch: ((batch: BatchReport) => void) | undefined
  readonly onRefused: ((reason: unknown) => void) | undefined
  readonly onError: (error: unknown) => void
}

type Waiting = {
  readonly draft: EntryDraft
  /** It gets an {@link Appended} then. */
  readonly wantsProof: boolean
  resolve(placed: Placed): void
  reject(error: unknown): void
}

const batchBytes = 8 * 1024 * 1024
/** Of an entry whose face does not say. */
const usualBytes = 2048
const commitAttempts = 3

export function createWriter(options: WriterOptions): LogWriter & {
  onAppended(listener: (treeSize: bigint) => void): void
  close(): Promise<void>
} {
  const { sequencer, publisher, reader, queueLimit, onBatch, onRefused, onError } = options
  const listeners: ((treeSize: bigint) => void)[] = []
  let unanswered = 0

  // 1. An append joins the queue and waits for the batch it will be part of.
  const queue = createQueue<Waiting>({
    batchItems: options.batchLimit,
    batchBytes,
    sizeOf: ({ draft }) => draft.sizeBytes ?? usualBytes,
    run: runBatch,
    onError,
  })

  async function join(draft: EntryDraft, wantsProof: boolean): Promise<Placed> {
    if (unanswered >= queueLimit) {
      throw new LogError('queue_full', `${unanswered} entries are waiting to be logged; try again shortly`)
    }
    unanswered++
    try {
      return await new Promise<Placed>((resolve, reject) => {
        queue.push({ draft, wantsProof, resolve, reject })
      })
    } finally {
      unanswered--
    }
  }

  // 2. The batch starts the moment the one before it has committed.
  async function runBatch(batch: readonly Waiting[]): Promise<void> {
    const start = performance.now()
    let sequenced: Sequenced
    try {
      sequenced = await sequenceDurably(batch.map(({ draft }) => draft))
    } catch (error) {
      const reason = asLogError(error)
      if (batch.length > 1 && isOfOneEntry(reason)) return runEach(batch)
      for (const waiting of batch) waiting.reject(reason)
      tell(onRefused, error, onError)
      return
    }
    const duplicates = sequenced.placed.filter((placed) => placed.duplicate).length
    const entries = batch.length - duplicates
    const durationMs = performance.now() - start
    // Not awaited: the next batch may write while this one is signed and answered. It comes before all observers.
    void answer(batch, sequenced)
    tell(onBatch, { entries, duplicates, durationMs }, onError)
    for (const listener of listeners) tell(listener, sequenced.tree.size, onError)
  }

  /** One draft that cannot be encoded or stored must not refuse those that came at the same moment. */
  async function runEach(batch: readonly Waiting[]): Promise<void> {
    for (const waiting of batch) await runBatch([waiting])
  }

  /** A connection lost during COMMIT: the next attempt reads the tree head first, and finds what was committed. */
  async function sequenceDurably(drafts: readonly EntryDraft[]): Promise<Sequenced> {
    const unsure = new Set<string>()
    for (let attempt = 1; ; attempt++) {
      try {
        return await sequencer.sequence(drafts, unsure)
      } catch (error) {
        const unknown = error instanceof PostgresError && error.code === 'commit_outcome_unknown'
        if (!unknown || attempt === commitAttempts) throw error
      }
    }
  }

  // 9. After the commit, and only then: have the checkpoint published, prove each entry, check the proof, answer.
  async function answer(batch: readonly Waiting[], { tree, placed }: Sequenced): Promise<void> {
    try {
      if (batch.some(({ wantsProof }) => wantsProof))
        return await prove(batch, placed, await publisher.publish(tree))
      await publisher.follow(tree)
      for (const [at, waiting] of batch.entries()) waiting.resolve(placed[at] as Placed)
    } catch (error) {
      // The entries are durable: a second try finds them. Promises settled above stay as they are.
      const reason = asLogError(error)
      for (const waiting of batch) waiting.reject(reason)
    }
  }

  async function prove(
    batch: readonly Waiting[],
    placed: Sequenced['placed'],
    checkpoint: SignedCheckpoint,
  ): Promise<void> {
    const { size, rootHash } = checkpoint.treeHead
    const leafIndexes = placed.map(({ entry }) => entry.leafIndex)
    const proofs = await reader.proveInWritten(leafIndexes, size)
    const appended = placed.map(({ entry, duplicate }, at): Appended => {
      return { entry, duplicate, checkpoint, inclusionProof: proofs[at] as InclusionProof }
    })
    verifyInclusions(
      appended.map(({ entry, inclusionProof }) => ({ proof: inclusionProof, leafHash: entry.leafHash })),
      rootHash,
    )
    for (const [at, waiting] of batch.entries()) waiting.resolve(appended[at] as Appended)
  }

  return {
    append: (draft) => join(draft, true) as Promise<Appended>,
    place: (draft) => join(draft, false),
    queueDepth: queue.depth,
    onAppended: (listener) => {
      listeners.push(listener)
    },
    close: queue.close,
  }
}

/** Whether it may be one draft's bytes that failed: in `encode`, or in the database as data it cannot hold (classes 22 and 54). */
function isOfOneEntry(error: unknown): boolean {
  if (error instanceof LogError || error instanceof PostgresError) return false
  const code = errorCode(error)
  return code === undefined || !/^[0-9A-Z]{5}$/.test(code) || /^(22|54)/.test(code)
}
