/**
 * What the log gave away and somebody kept: answers to appends, and checkpoints. Each is first checked alone (signatures, proof), then
 * against the log: its entry must be at its place, its tree must be one that the log's tree extends.
 */
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { type Checkpoint, CheckpointError, rekorV1KeyHint, verifyCheckpoint } from '@sigstack/checkpoint'
import { CryptoError, type PublicKey, verifySignature } from '@sigstack/crypto'
import { BackupError, type Findings } from '@sigstack/log-engine'
import { asHash, type Hash, leafHash, ProofError, verifyInclusion } from '@sigstack/merkle'
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import { parseOrigin, treeIdHex } from '../../shards/tree-id.ts'
import { type CheckpointSource, notesIn } from '../../signing/signed-heads.ts'

/** A shard as evidence is checked against it. */
export type KnownShard = {
  readonly treeId: bigint
  readonly firstIndex: bigint
  readonly publicKey: PublicKey
  readonly logIdHex: string
}

export type Evidence = {
  /** Roots that were signed, by tree ID and tree size. */
  readonly heads: ReadonlyMap<bigint, ReadonlyMap<bigint, Hash>>
  /** Entries that were answered. */
  readonly places: readonly AnsweredPlace[]
  readonly answers: number
  readonly checkpoints: number
}

export type AnsweredPlace = {
  readonly treeId: bigint
  readonly leafIndex: bigint
  readonly leafHash: Hash
  readonly integratedTime: number
}

const Answer = Type.Object({
  body: Type.String({ maxLength: 1 << 26 }),
  integratedTime: Type.Integer({ minimum: 0 }),
  logID: Type.String({ pattern: '^[0-9a-f]{64}$' }),
  logIndex: Type.Integer({ minimum: 0 }),
  verification: Type.Object({
    inclusionProof: Type.Object({
      checkpoint: Type.String({ maxLength: 65_536 }),
      hashes: Type.Array(Type.String({ pattern: '^[0-9a-f]{64}$' }), { maxItems: 64 }),
      logIndex: Type.Integer({ minimum: 0 }),
      rootHash: Type.String({ pattern: '^[0-9a-f]{64}$' }),
      treeSize: Type.Integer({ minimum: 1 }),
    }),
    signedEntryTimestamp: Type.String({ maxLength: 4096 }),
  }),
})

const longestLine = 1 << 26

/**
 * Reads answers, a JSON object (`{"<entry ID>":{…}}`, as the log sent it) in each line, and checkpoints as notes. What is wrong in itself
 * goes to `findings`; a file that is not of this form throws, as does what is no checkpoint or one of another log: that says nothing about this one.
 */
export async function readEvidence(
  sources: { readonly answersFile?: string; readonly checkpoints?: readonly CheckpointSource[] },
  log: { readonly hostname: string; readonly shards: readonly KnownShard[] },
  findings: Findings,
): Promise<Evidence> {
  const { shards } = log
  const notes = (sources.checkpoints ?? []).flatMap(notesIn)
  for (const { origin, where } of notes) assertSameLog(origin, where, log.hostname)
  const heads = new Map<bigint, Map<bigint, Hash>>()
  const places: AnsweredPlace[] = []
  let answers = 0
  for (const { note } of notes) {
    try {
      await acceptCheckpoint(note)
    } catch (error) {
      tell(error, 'a checkpoint that was kept')
    }
  }
  if (sources.answersFile !== undefined) {
    for await (const line of createInterface({ input: createReadStream(sources.answersFile) })) {
      if (line.trim() !== '') await acceptLine(line, ++answers)
    }
  }
  return { heads, places, answers, checkpoints: notes.length }

  async function acceptLine(line: string, number: number): Promise<void> {
    if (line.length > longestLine) throw new Error(`answer ${number} is longer than ${longestLine} bytes`)
    const answer: unknown = parse(line, number)
    for (const [id, entry] of Object.entries(answer as Record<string, unknown>)) {
      if (!/^[0-9a-f]{80}$/.test(id) || !Value.Check(Answer, entry)) {
        throw new Error(`answer ${number} is not one of a Rekor log`)
      }
      try {
        await acceptAnswer(id, entry)
      } catch (error) {
        tell(error, `answer ${number}, entry ${id},`)
      }
    }
  }

  async function acceptAnswer(id: string, entry: Type.Static<typeof Answer>): Promise<void> {
    const { inclusionProof: proof, signedEntryTimestamp } = entry.verification
    const treeId = BigInt(`0x${id.slice(0, 16)}`)
    const shard = shards.find((candidate) => candidate.treeId === treeId)
    if (shard === undefined) throw new EvidenceError('is of a shard that this log has not')
    const leaf = leafHash(Buffer.from(entry.body, 'base64'))
    if (treeIdHex(treeId) + Buffer.from(leaf).toString('hex') !== id) {
      throw new EvidenceError('has a body that does not hash to its ID')
    }
    const leafIndex = BigInt(proof.logIndex)
    if (BigInt(entry.logIndex) !== shard.firstIndex + leafIndex || entry.logID !== shard.logIdHex) {
      throw new EvidenceError('names another place than its proof')
    }
    const { body, integratedTime, logID, logIndex } = entry
    const promised = Buffer.from(JSON.stringify({ body, integratedTime, logID, logIndex }))
    const promise = Buffer.from(signedEntryTimestamp, 'base64')
    if (!(await verifySignature(shard.publicKey, 'sha256', promised, promise))) {
      throw new EvidenceError('has a signed timestamp that does not verify')
    }
    const rootHash = asHash(Buffer.from(proof.rootHash, 'hex'))
    const treeSize = BigInt(proof.treeSize)
    const siblings = proof.hashes.map((hash) => asHash(Buffer.from(hash, 'hex')))
    verifyInclusion({ leafIndex, treeSize, siblings }, leaf, rootHash)
    const { treeHead } = await acceptCheckpoint(proof.checkpoint)
    if (treeHead.size !== treeSize || Buffer.compare(treeHead.rootHash, rootHash) !== 0) {
      throw new EvidenceError('has a proof and a checkpoint of two trees')
    }
    places.push({ treeId, leafIndex, leafHash: leaf, integratedTime })
  }

  async function acceptCheckpoint(note: string): Promise<Checkpoint> {
    const treeId = parseOrigin(note.slice(0, note.indexOf('\n')))?.treeId
    const shard = shards.find((candidate) => candidate.treeId === treeId)
    if (shard === undefined) throw new EvidenceError('is of a shard that this log has not')
    const { publicKey, treeId: known } = shard
    const checkpoint = await verifyCheckpoint(note, { publicKey, keyHint: rekorV1KeyHint(publicKey) })
    const { size, rootHash } = checkpoint.treeHead
    const ofShard = heads.get(known) ?? new Map<bigint, Hash>()
    heads.set(known, ofShard)
    const earlier = ofShard.get(size)
    if (earlier !== undefined && Buffer.compare(earlier, rootHash) !== 0) {
      throw new EvidenceError(`and another one show two trees of ${size} entries: the log was forked`)
    }
    ofShard.set(size, rootHash)
    return checkpoint
  }

  function tell(error: unknown, what: string): void {
    const isExpected =
      error instanceof EvidenceError ||
      error instanceof CheckpointError ||
      error instanceof ProofError ||
      error instanceof CryptoError
    if (!isExpected) throw error
    findings.add(
      'evidence',
      `${what} ${error instanceof EvidenceError ? '' : 'does not verify: '}${error.message}`,
    )
  }
}

function assertSameLog(origin: string, where: string, hostname: string): void {
  if (parseOrigin(origin)?.hostname === hostname) return
  throw new BackupError('bad_checkpoint', `the checkpoint from ${where} is of another log, ${origin}`)
}

class EvidenceError extends Error {
  override readonly name = 'EvidenceError'
}

function parse(line: string, number: number): object {
  try {
    const value: unknown = JSON.parse(line)
    if (typeof value === 'object' && value !== null) return value
  } catch {
    // The sentence below says it.
  }
  throw new Error(`answer ${number} is not a JSON object in one line`)
}
