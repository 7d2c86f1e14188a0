/** The one thing that a witness does (C2SP tlog-witness): cosign what extends all that it has seen. */
import {
  CheckpointError,
  type Cosigner,
  canCosign,
  cosign,
  parseCheckpoint,
  type VerifiedLine,
  verifyLines,
} from '@sigstack/checkpoint'
import { quoted } from '@sigstack/crypto'
import { emptyRootHash, ProofError, type TreeHead, verifyConsistency } from '@sigstack/merkle'
import { WitnessError } from './errors.ts'
import type { KnownLogs } from './logs-file.ts'
import type { Witnessed, WitnessStore } from './store.ts'
import { parseSubmission, type Submission } from './submission.ts'

export type Outcome =
  /** Signature lines, each with its line feed. */
  | { readonly kind: 'cosigned'; readonly lines: string }
  /** Another size was cosigned last. */
  | { readonly kind: 'conflict'; readonly size: bigint }

export type Witness = {
  /** Throws {@link WitnessError}. */
  addCheckpoint(body: Uint8Array): Promise<Outcome>
  /** The newest cosigned checkpoint of the log, with the lines that were given out. */
  checkpoint(originHash: Uint8Array): Promise<string | undefined>
}

export type WitnessDependencies = {
  readonly store: WitnessStore
  readonly logs: () => KnownLogs
  /** The first can cosign whatever can be parsed. */
  readonly cosigners: readonly [Cosigner, ...Cosigner[]]
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Told of each checkpoint that was taken, before it is signed. */
  readonly onTaken?: (taken: Omit<Witnessed, 'cosignatures'>) => void
  /** Told of what is wrong with a log that signs, and of what could not be kept. */
  readonly onInconsistent: (evidence: { readonly origin: string; readonly reason: string }) => void
  readonly onError: (error: unknown) => void
}

type Next = Omit<Witnessed, 'cosignatures'>

export function createWitness(dependencies: WitnessDependencies): Witness {
  const { store, logs, cosigners, now, onTaken, onInconsistent, onError } = dependencies

  async function addCheckpoint(body: Uint8Array): Promise<Outcome> {
    const submission = parseSubmission(body)
    const { checkpoint, oldSize } = submission
    const { origin, treeHead } = checkpoint
    const lines = await linesOfLog(submission)
    if (oldSize > treeHead.size)
      throw new WitnessError('malformed', `the old size ${oldSize} is larger than the tree, ${treeHead.size}`)

    const last = await store.read(origin)
    // Read after what came before, so that times of one log do not go back.
    const timeSeconds = laterOf(BigInt(Math.floor(now() / 1000)), last?.timeSeconds)
    const lastSize = last?.treeHead.size ?? 0n
    if (oldSize !== lastSize) return { kind: 'conflict', size: lastSize }
    try {
      assertExtends(submission, last?.treeHead)
    } catch (error) {
      if (error instanceof WitnessError) onInconsistent({ origin, reason: error.message })
      throw error
    }

    // A crash before this leaves nothing; after it the log comes again, with the size that is kept now.
    const text = `${checkpoint.text}\n${lines.map(({ line }) => line).join('')}`
    const next: Next = { origin, treeHead, checkpoint: text, timeSeconds }
    if (!(await store.advance(last?.treeHead, next))) {
      const winner = await store.read(origin)
      return { kind: 'conflict', size: winner?.treeHead.size ?? 0n }
    }
    onTaken?.(next)
    // Only now, with the tree kept for ever, does it get signatures.
    return { kind: 'cosigned', lines: await cosignKept(next) }
  }

  async function linesOfLog({ checkpoint }: Submission): Promise<readonly VerifiedLine[]> {
    const log = logs().get(checkpoint.origin)
    if (log === undefined)
      throw new WitnessError('unknown_log', `no log ${quoted(checkpoint.origin)} is known here`)
    let lines: readonly VerifiedLine[]
    try {
      lines = await verifyLines(checkpoint, log.keys)
    } catch (cause) {
      if (!(cause instanceof CheckpointError)) throw cause
      throw new WitnessError('unsigned', cause.message, { cause })
    }
    if (lines.length === 0)
      throw new WitnessError('unsigned', `no known key of ${quoted(log.origin)} has signed the checkpoint`)
    return lines
  }

  async function cosignKept(next: Next): Promise<string> {
    const checkpoint = parseCheckpoint(next.checkpoint)
    const able = cosigners.filter(({ key }) => canCosign(checkpoint, key))
    const lines = await Promise.all(able.map((cosigner) => cosign(checkpoint, cosigner, next.timeSeconds)))
    const cosignatures = lines.join('')
    await store.keepCosignatures(next, cosignatures).catch(onError)
    return cosignatures
  }

  return {
    addCheckpoint,
    checkpoint: async (originHash) => {
      const last = await store.readByHash(originHash)
      return last && last.checkpoint + (last.cosignatures ?? (await cosignKept(last)))
    },
  }
}

/** Throws `inconsistent` unless the checkpoint's tree begins with the tree that was cosigned last. */
function assertExtends({ oldSize, proof, checkpoint }: Submission, last: TreeHead | undefined): void {
  const { size, rootHash } = checkpoint.treeHead
  if (size === 0n && Buffer.compare(rootHash, emptyRootHash) !== 0)
    throw new WitnessError('inconsistent', 'a tree without leaves has another root')
  if (oldSize === 0n) {
    if (proof.length > 0)
      throw new WitnessError('inconsistent', 'every tree extends the empty one: there is nothing to prove')
    return
  }
  try {
    verifyConsistency({ oldSize, newSize: size, hashes: proof }, last?.rootHash ?? emptyRootHash, rootHash)
  } catch (cause) {
    if (!(cause instanceof ProofError)) throw cause
    throw new WitnessError('inconsistent', cause.message, { cause })
  }
}

function laterOf(a: bigint, b: bigint | undefined): bigint {
  return b === undefined || a > b ? a : b
}
