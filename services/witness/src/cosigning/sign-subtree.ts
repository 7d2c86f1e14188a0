/** Signatures over a part of a tree whose checkpoint was cosigned here (C2SP tlog-witness, sign-subtree). */
import {
  type Checkpoint,
  CheckpointError,
  type Cosigner,
  cosignSubtree,
  type VerifiedLine,
  verifyLines,
} from '@sigstack/checkpoint'
import { quoted } from '@sigstack/crypto'
import { type Hash, isSubtree, type LeafRange, ProofError, verifySubtree } from '@sigstack/merkle'
import { WitnessError } from './errors.ts'
import type { KnownLogs } from './logs-file.ts'
import { bad, hashOf, mostHashes, parseParts } from './submission.ts'

type SubtreeRequest = LeafRange & {
  readonly hash: Hash
  readonly proof: readonly Hash[]
  readonly checkpoint: Checkpoint
}

export type SubtreeSigning = {
  readonly logs: () => KnownLogs
  readonly cosigners: readonly Cosigner[]
}

/** Signature lines with no time, by the keys that have signed the checkpoint and can sign subtrees. Throws {@link WitnessError}. */
export async function signSubtree(body: Uint8Array, { logs, cosigners }: SubtreeSigning): Promise<string> {
  const { start, end, hash, proof, checkpoint } = parseSubtreeRequest(body)
  const { origin, treeHead } = checkpoint
  if (!logs().has(origin)) throw new WitnessError('unknown_log', `no log ${quoted(origin)} is known here`)
  const lines = await ownLines(checkpoint, cosigners)
  const able = cosigners.filter(
    ({ key }) => key.kind === 'ml-dsa-44' && lines.some((line) => line.key === key),
  )
  if (able.length === 0)
    throw new WitnessError('unsigned', 'no key that signs subtrees has cosigned the checkpoint here')
  try {
    verifySubtree({ start, end, treeSize: treeHead.size, hashes: proof }, hash, treeHead.rootHash)
  } catch (cause) {
    if (!(cause instanceof ProofError)) throw cause
    throw new WitnessError('inconsistent', cause.message, { cause })
  }
  return (await Promise.all(able.map((by) => cosignSubtree({ origin, start, end, hash }, by)))).join('')
}

async function ownLines(
  checkpoint: Checkpoint,
  cosigners: readonly Cosigner[],
): Promise<readonly VerifiedLine[]> {
  try {
    return await verifyLines(
      checkpoint,
      cosigners.map(({ key }) => key),
    )
  } catch (cause) {
    if (!(cause instanceof CheckpointError)) throw cause
    throw new WitnessError('unsigned', cause.message, { cause })
  }
}

function parseSubtreeRequest(body: Uint8Array): SubtreeRequest {
  const { first, lines, checkpoint } = parseParts(body)
  const [, start, end] = /^subtree (0|[1-9]\d{0,18}) (0|[1-9]\d{0,18})$/.exec(first) ?? []
  if (start === undefined || end === undefined) throw bad('its first line names no subtree')
  const range = { start: BigInt(start), end: BigInt(end) }
  if (!isSubtree(range)) throw bad(`${start} to ${end} is no subtree`)
  if (range.end > checkpoint.treeHead.size) throw bad('its subtree ends behind the tree')
  const [hash, ...proof] = lines
  if (proof.length > mostHashes) throw bad(`it has more than ${mostHashes} hashes`)
  if (hash === undefined) throw bad('it has no hash of the subtree')
  return { ...range, hash: hashOf(hash), proof: proof.map(hashOf), checkpoint }
}
