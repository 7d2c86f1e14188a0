/**
 * The log entry on the wire (rekor-v1.md section 3), written by hand: it is in every answer of the hot path, and its first
 * members are the very bytes that the SET signs.
 */
import { asBuffer, toHex } from '@sigstack/crypto'
import type { LogEntry, SignedCheckpoint } from '@sigstack/log-engine'
import { type Hash, hashBytes, type InclusionProof } from '@sigstack/merkle'
import type { Shard } from '@sigstack/rekor-log'
import { entryIdOf } from '@sigstack/rekor-log'
import { withOwnLineAlone } from './own-line.ts'

/** An entry and the evidence for it: the proof leads to the checkpoint's root. */
export type ProvenEntry = {
  readonly entry: LogEntry
  /** Others may be shown the same object, so that what is made of it is worth keeping. */
  readonly isShared?: boolean
  readonly checkpoint: SignedCheckpoint
  readonly inclusionProof: InclusionProof
  /** What the entry attests, where it is kept. */
  readonly attestation?: Uint8Array
}

/** The object with one member, `{"<entry ID>":{…}}`, without a line feed. */
export function encodeLogEntry(shard: Shard, proven: ProvenEntry, virtualIndex: bigint): Promise<Buffer> {
  return encode(shard, proven, virtualIndex, '')
}

/** The same as a whole answer: sigstore-rs wants exactly one line feed at its end. */
export function encodeLogEntryAnswer(
  shard: Shard,
  proven: ProvenEntry,
  virtualIndex: bigint,
): Promise<Buffer> {
  return encode(shard, proven, virtualIndex, '\n')
}

/** The object that the SET signs, and the SET in base64. */
type Promised = { readonly object: Buffer; readonly set: string }

const kept = new WeakMap<LogEntry, Promised>()

async function promise(shard: Shard, entry: LogEntry, virtualIndex: bigint): Promise<Promised> {
  const integratedTime = Math.floor(entry.sequencedAtMs / 1000)
  // RFC 8785 form of these four members: they are ASCII and stand in order, so writing them down is canonicalising them.
  const body = asBuffer(entry.leaf).toString('base64')
  const rest = `","integratedTime":${integratedTime},"logID":"${shard.logIdHex}","logIndex":${virtualIndex}}`
  const object = Buffer.allocUnsafe(bodyStart.length + body.length + rest.length)
  let at = object.write(bodyStart, 0, 'latin1')
  at += object.write(body, at, 'latin1')
  object.write(rest, at, 'latin1')
  return { object, set: asBuffer(await shard.signer.sign(object)).toString('base64') }
}

const bodyStart = '{"body":"'

/** The note's dash alone is not ASCII, so it is kept encoded and the rest is written as single bytes. */
async function encode(shard: Shard, proven: ProvenEntry, virtualIndex: bigint, end: string): Promise<Buffer> {
  const { entry, isShared = false, checkpoint, inclusionProof, attestation } = proven
  const promised = (isShared ? kept.get(entry) : undefined) ?? (await promise(shard, entry, virtualIndex))
  if (isShared) kept.set(entry, promised)
  const { rootHash, size } = checkpoint.treeHead
  const { siblings, leafIndex } = inclusionProof
  const attested =
    attestation === undefined ? '' : `"attestation":{"data":"${asBuffer(attestation).toString('base64')}"},`
  const head = `{"${entryIdOf(shard, entry)}":{${attested}`
  const note = jsonOf(checkpoint)
  const tail =
    `],"logIndex":${leafIndex},"rootHash":"${toHex(rootHash)}","treeSize":${size}},` +
    `"signedEntryTimestamp":"${promised.set}"}}}${end}`
  const members = promised.object.length - 2
  const hashes = Math.max(0, siblings.length * hashLength - 1)
  const answer = Buffer.allocUnsafe(
    head.length +
      members +
      verificationStart.length +
      note.length +
      hashesStart.length +
      hashes +
      tail.length,
  )
  let at = answer.write(head, 0, 'latin1')
  at += promised.object.copy(answer, at, 1, 1 + members)
  at += answer.write(verificationStart, at, 'latin1')
  at += note.copy(answer, at)
  at += answer.write(hashesStart, at, 'latin1')
  at = writeHashes(siblings, answer, at)
  answer.write(tail, at, 'latin1')
  return answer
}

const verificationStart = ',"verification":{"inclusionProof":{"checkpoint":'
const hashesStart = ',"hashes":['
/** In hex, with quotes and a comma. */
const hashLength = 2 * hashBytes + 3
const quote = 0x22
const comma = 0x2c
const hexDigits = Buffer.from('0123456789abcdef')

/** Byte by byte: their texts would be a fifth of the garbage of an answer. */
function writeHashes(hashes: readonly Hash[], answer: Buffer, start: number): number {
  let at = start
  for (const hash of hashes) {
    if (at > start) answer[at++] = comma
    answer[at++] = quote
    for (const byte of hash) {
      answer[at++] = hexDigits[byte >> 4] as number
      answer[at++] = hexDigits[byte & 15] as number
    }
    answer[at++] = quote
  }
  return at
}

// All answers of a batch share one checkpoint.
const checkpointJson = new WeakMap<SignedCheckpoint, Buffer>()

function jsonOf(checkpoint: SignedCheckpoint): Buffer {
  const known = checkpointJson.get(checkpoint)
  if (known !== undefined) return known
  const json = Buffer.from(JSON.stringify(withOwnLineAlone(checkpoint.note)))
  checkpointJson.set(checkpoint, json)
  return json
}
