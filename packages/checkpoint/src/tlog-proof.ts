/** One file that proves that something is in a log, without the log (C2SP tlog-proof). */
import { parseBase64, quoted, toBase64 } from '@sigstack/crypto'
import { asHash, type Hash, verifyInclusion } from '@sigstack/merkle'
import { type Checkpoint, parseCheckpoint } from './checkpoint.ts'
import { CheckpointError } from './errors.ts'
import { isQuorum, type WitnessPolicy } from './policy.ts'
import { type VerifiedLine, verifyLines } from './verify-lines.ts'

export type TlogProof = {
  /** Not signed by anybody: never trust it by itself. */
  readonly extra?: Uint8Array
  readonly leafIndex: bigint
  /** The leaf's sibling first. */
  readonly siblings: readonly Hash[]
  /** With all its signature lines. */
  readonly checkpoint: string
}

const header = 'c2sp.org/tlog-proof@v1'
const longestProof = 2_097_152
const mostSiblings = 63
const largestIndex = 2n ** 64n - 1n

export function encodeTlogProof({ extra, leafIndex, siblings, checkpoint }: TlogProof): string {
  const lines = [
    header,
    ...(extra === undefined ? [] : [`extra ${toBase64(extra)}`]),
    `index ${leafIndex}`,
    ...siblings.map(toBase64),
  ]
  return `${lines.join('\n')}\n\n${checkpoint}`
}

/** Throws `bad_proof`, `bad_note` or `bad_checkpoint`; verifies nothing. */
export function parseTlogProof(text: string): TlogProof {
  if (text.length > longestProof) throw bad(`it is longer than ${longestProof} characters`)
  const split = text.indexOf('\n\n')
  if (split === -1) throw bad('no empty line parts proof and checkpoint')
  const lines = text.slice(0, split).split('\n')
  if (lines.shift() !== header) throw bad(`its first line is not ${header}`)
  const extra = lines[0]?.startsWith('extra ') === true ? bytesOf(lines.shift()?.slice(6) ?? '') : undefined
  const index = /^index (0|[1-9]\d{0,19})$/.exec(lines.shift() ?? '')?.[1]
  if (index === undefined || BigInt(index) > largestIndex) throw bad('it has no line of its index')
  if (lines.length > mostSiblings) throw bad(`it has more than ${mostSiblings} hashes`)
  const checkpoint = text.slice(split + 2)
  parseCheckpoint(checkpoint)
  return {
    ...(extra !== undefined && { extra }),
    leafIndex: BigInt(index),
    siblings: lines.map(hashOf),
    checkpoint,
  }
}

export type VerifiedProof = {
  readonly checkpoint: Checkpoint
  /** Of the log and of the witnesses that the policy knows. */
  readonly signatures: readonly VerifiedLine[]
}

/**
 * Verifies that the leaf is in a tree that one of the policy's logs has signed and a quorum of its witnesses too. Throws `unknown_signer`,
 * `bad_signature`, `no_quorum`, and merkle's ProofError. The leaf hash is the caller's, made of what it holds.
 */
export async function verifyTlogProof(
  proof: TlogProof,
  leafHash: Hash,
  policy: WitnessPolicy,
): Promise<VerifiedProof> {
  const { leafIndex, siblings } = proof
  const checkpoint = parseCheckpoint(proof.checkpoint)
  const signatures = await verifyPolicy(checkpoint, policy)
  const { size, rootHash } = checkpoint.treeHead
  verifyInclusion({ leafIndex, treeSize: size, siblings }, leafHash, rootHash)
  return { checkpoint, signatures }
}

/** The lines by logs and witnesses of the policy. Throws as {@link verifyTlogProof}; a policy without logs leaves them to the caller. */
export async function verifyPolicy(
  checkpoint: Checkpoint,
  policy: WitnessPolicy,
): Promise<readonly VerifiedLine[]> {
  const logKeys = policy.logs.map(({ key }) => key).filter(({ name }) => isNameOf(name, checkpoint.origin))
  const byLogs = await verifyLines(checkpoint, logKeys)
  if (byLogs.length === 0 && policy.logs.length > 0)
    throw new CheckpointError(
      'unknown_signer',
      `no log of the policy has signed for ${quoted(checkpoint.origin)}`,
    )
  const byWitnesses = await verifyLines(
    checkpoint,
    policy.witnesses.map(({ key }) => key),
  )
  if (!isQuorum(policy.quorum, ({ key }) => byWitnesses.some((line) => line.key === key)))
    throw new CheckpointError(
      'no_quorum',
      `${byWitnesses.length} of the witnesses have signed, which is no quorum`,
    )
  return [...byLogs, ...byWitnesses]
}

/** Of C2SP they are equal; of Rekor v1 the origin is the name, and which of its shards it is. */
function isNameOf(name: string, origin: string): boolean {
  return (
    name === origin || (origin.startsWith(name) && / - [1-9]\d{0,18}$/.exec(origin)?.index === name.length)
  )
}

function hashOf(text: string): Hash {
  const bytes = bytesOf(text)
  if (bytes.length !== 32) throw bad('a hash has not 32 bytes')
  return asHash(bytes)
}

function bytesOf(text: string): Uint8Array {
  try {
    const bytes = parseBase64(text)
    if (toBase64(bytes) === text) return bytes
  } catch {
    // Told below.
  }
  throw bad('a line of it is not base64')
}

function bad(why: string): CheckpointError {
  return new CheckpointError('bad_proof', `not a proof: ${why}`)
}
