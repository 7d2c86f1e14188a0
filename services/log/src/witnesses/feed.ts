/**
 * Shows the heads of a log to its witnesses, one round after the other: what is signed meanwhile waits, and only the newest of it is shown
 * next, so that a log which grows a thousand times a second asks its witnesses as often as they answer.
 */
import { isQuorum, type NoteKey, type Quorum, type VerifiedLine } from '@sigstack/checkpoint'
import { reasonOf } from '@sigstack/crypto'
import { type CosignedLog, type Cosigning, LogError, type SignedCheckpoint } from '@sigstack/log-engine'
import { AheadOfHead, type WitnessClient } from './witness-client.ts'

export type FeedWitness = { readonly name: string; readonly client: WitnessClient }

export type FeedOptions = {
  readonly witnesses: readonly FeedWitness[]
  readonly quorum: Quorum
  /** Of an answer; 0 waits for nobody. */
  readonly waitMs: number
  /** Whether an answer without a quorum is refused. */
  readonly demands: boolean
  readonly republishMs: number
  readonly onAnswer?: (witness: string, failure: string | undefined) => void
  readonly onRound?: (hasQuorum: boolean) => void
}

type Round = {
  checkpoint: SignedCheckpoint
  /** With a quorum; rejects without. */
  readonly done: PromiseWithResolvers<SignedCheckpoint>
}

const mostRestarts = 3

/** One for each log. */
export function createFeed(options: FeedOptions): Cosigning {
  const { witnesses, quorum, waitMs, demands, republishMs } = options
  const { onAnswer = () => {}, onRound = () => {} } = options
  let running: Round | undefined
  let next: Round | undefined

  function join(checkpoint: SignedCheckpoint, log: CosignedLog): Promise<SignedCheckpoint> {
    const { size } = checkpoint.treeHead
    if (running === undefined) {
      running = roundOf(checkpoint)
      void run(running, log)
      return running.done.promise
    }
    next ??= roundOf(checkpoint)
    if (next.checkpoint.treeHead.size <= size) next.checkpoint = checkpoint
    return next.done.promise
  }

  async function run(round: Round, log: CosignedLog): Promise<void> {
    try {
      round.done.resolve(await gatherQuorum(round.checkpoint, log))
      onRound(true)
    } catch (error) {
      onRound(false)
      round.done.reject(error)
    }
    running = next
    next = undefined
    if (running !== undefined) void run(running, log)
  }

  /** Where another process of this log has shown a larger tree, that one is shown instead. */
  async function gatherQuorum(first: SignedCheckpoint, log: CosignedLog): Promise<SignedCheckpoint> {
    let checkpoint = first
    for (let restart = 0; ; restart++) {
      try {
        return await gatherOnce(checkpoint, log)
      } catch (error) {
        if (!(error instanceof AheadOfHead) || restart === mostRestarts) throw error
        checkpoint = await log.newest()
      }
    }
  }

  /** Resolves at the quorum; lines that come later are shown from then on. */
  function gatherOnce(checkpoint: SignedCheckpoint, log: CosignedLog): Promise<SignedCheckpoint> {
    const { promise, resolve, reject } = Promise.withResolvers<SignedCheckpoint>()
    const lines: VerifiedLine[] = []
    const withLines = () => ({
      ...checkpoint,
      note: checkpoint.note + lines.map(({ line }) => line).join(''),
    })
    const hasSigned = (key: NoteKey) => lines.some((line) => line.key === key)
    const isEnough = () => isQuorum(quorum, ({ key }) => hasSigned(key))
    let ahead: AheadOfHead | undefined

    const answers = witnesses.map(async ({ name, client }) => {
      try {
        lines.push(...(await client.cosign(checkpoint, log)))
        onAnswer(name, undefined)
        log.update(withLines())
        if (isEnough()) resolve(withLines())
      } catch (error) {
        if (error instanceof AheadOfHead) ahead = error
        else onAnswer(name, reasonOf(error))
      }
    })
    if (isEnough()) resolve(withLines())
    void Promise.all(answers).then(() =>
      reject(ahead ?? new Error('too few witnesses have signed the checkpoint')),
    )
    return promise
  }

  return {
    republishMs,
    gather: async (checkpoint, log) => {
      const done = join(checkpoint, log)
      if (waitMs === 0) {
        done.catch(() => {})
        return checkpoint
      }
      try {
        return await within(waitMs, done)
      } catch (cause) {
        // The last checkpoint proves no entry that was not proven with a quorum before, and witnesses with ML-DSA keys do not sign it.
        if (!demands || checkpoint.frozenAtMs !== undefined) return checkpoint
        throw new LogError('unavailable', 'too few witnesses have signed the checkpoint; try again', {
          cause,
        })
      }
    },
  }
}

function roundOf(checkpoint: SignedCheckpoint): Round {
  const done = Promise.withResolvers<SignedCheckpoint>()
  // Whoever waits hears of it; nobody may.
  done.promise.catch(() => {})
  return { checkpoint, done }
}

async function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`the witnesses took longer than ${ms} ms`)), ms)
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
