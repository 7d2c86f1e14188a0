/** The body of `add-checkpoint` (C2SP tlog-witness): an old size, a consistency proof, an empty line, a checkpoint. */
import { type Checkpoint, CheckpointError, parseCheckpoint } from '@sigstack/checkpoint'
import { parseBase64, parseUtf8, toBase64 } from '@sigstack/crypto'
import { asHash, type Hash, hashBytes } from '@sigstack/merkle'
import { WitnessError } from './errors.ts'

export type Submission = {
  readonly oldSize: bigint
  /** From the old size to that of the checkpoint, as RFC 6962 section 2.1.2 orders them. */
  readonly proof: readonly Hash[]
  readonly checkpoint: Checkpoint
}

/** Of a proof. */
export const mostHashes = 63
/** PostgreSQL's bigint ends here. */
const largestSize = 2n ** 63n - 1n

/** Throws `malformed`; verifies nothing. */
export function parseSubmission(body: Uint8Array): Submission {
  const { first, lines, checkpoint } = parseParts(body)
  const oldSize = /^old (0|[1-9]\d{0,18})$/.exec(first)?.[1]
  if (oldSize === undefined) throw bad('its first line names no old size')
  if (lines.length > mostHashes) throw bad(`it has more than ${mostHashes} hashes`)
  return { oldSize: BigInt(oldSize), proof: lines.map(hashOf), checkpoint }
}

/** What all bodies have: lines, an empty one, a checkpoint. Throws `malformed`. */
export function parseParts(body: Uint8Array): {
  readonly first: string
  readonly lines: readonly string[]
  readonly checkpoint: Checkpoint
} {
  const text = parseUtf8(body)
  if (text === undefined) throw bad('it is not UTF-8')
  const split = text.indexOf('\n\n')
  if (split === -1) throw bad('no empty line parts proof and checkpoint')
  const [first = '', ...lines] = text.slice(0, split).split('\n')
  const checkpoint = checkpointOf(text.slice(split + 2))
  if (checkpoint.treeHead.size > largestSize) throw bad('its tree is larger than any that is kept here')
  return { first, lines, checkpoint }
}

function checkpointOf(note: string): Checkpoint {
  try {
    return parseCheckpoint(note)
  } catch (cause) {
    if (!(cause instanceof CheckpointError)) throw cause
    throw bad(cause.message, cause)
  }
}

export function hashOf(line: string): Hash {
  let bytes: Uint8Array | undefined
  try {
    bytes = parseBase64(line)
  } catch {
    // Told below.
  }
  if (bytes?.length !== hashBytes || toBase64(bytes) !== line) throw bad('a line of its proof is no hash')
  return asHash(bytes)
}

export function bad(why: string, cause?: unknown): WitnessError {
  return new WitnessError('malformed', `not a submission: ${why}`, { cause })
}
