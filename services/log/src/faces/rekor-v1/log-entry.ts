/**
 * The log entry on the wire (rekor-v1.md section 3), written by hand: it is in every answer of the hot path, and its first
 * members are the very bytes that the SET signs.
 */
import { asBuffer, toHex } from '@sigstack/crypto'
import type { LogEntry, SignedCheckpoint } from '@sigstack/log-engine'
import type { InclusionProof } from '@sigstack/merkle'
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

const lineFeed = '\n'

/** The object with one member, `{"<entry ID>":{…}}`, without a line feed. */
export async function encodeLogEntry(
  shard: Shard,
  proven: ProvenEntry,
  virtualIndex: bigint,
): Promise<Buffer> {
  return assemble(await signEntry(shard, proven, virtualIndex), '')
}

/** The same as a whole answer: sigstore-rs wants exactly one line feed at its end. */
export async function encodeLogEntryAnswer(
  shard: Shard,
  proven: ProvenEntry,
  virtualIndex: bigint,
): Promise<Buffer> {
  return assemble(await signEntry(shard, proven, virtualIndex), lineFeed)
}

type EntryParts = { readonly head: string; readonly checkpointJson: Buffer; readonly tail: string }

/** The start of the object as the SET signs it, without its last brace, and the SET in base64. */
type Promised = { readonly text: string; readonly set: string }

const kept = new WeakMap<LogEntry, Promised>()

async function promise(shard: Shard, entry: LogEntry, virtualIndex: bigint): Promise<Promised> {
  const body = asBuffer(entry.leaf).toString('base64')
  const integratedTime = Math.floor(entry.sequencedAtMs / 1000)
  // RFC 8785 form of these four members: they are ASCII and stand in order, so writing them down is canonicalising them.
  const text = `{"body":"${body}","integratedTime":${integratedTime},"logID":"${shard.logIdHex}","logIndex":${virtualIndex}`
  const set = await shard.signer.sign(Buffer.from(`${text}}`, 'latin1'))
  return { text, set: asBuffer(set).toString('base64') }
}

async function signEntry(shard: Shard, proven: ProvenEntry, virtualIndex: bigint): Promise<EntryParts> {
  const { entry, isShared = false, checkpoint, inclusionProof, attestation } = proven
  const promised = (isShared ? kept.get(entry) : undefined) ?? (await promise(shard, entry, virtualIndex))
  if (isShared) kept.set(entry, promised)
  const { treeHead } = checkpoint
  const attested =
    attestation === undefined ? '' : `"attestation":{"data":"${asBuffer(attestation).toString('base64')}"},`
  return {
    head: `{"${entryIdOf(shard, entry)}":{${attested}${promised.text.slice(1)},"verification":{"inclusionProof":{"checkpoint":`,
    checkpointJson: jsonOf(checkpoint),
    tail:
      `,"hashes":[${hexList(inclusionProof)}],"logIndex":${inclusionProof.leafIndex},"rootHash":"${toHex(treeHead.rootHash)}",` +
      `"treeSize":${treeHead.size}},"signedEntryTimestamp":"${promised.set}"}}}`,
  }
}

/** Head and tail are ASCII; the note's dash is not, so it is kept encoded and the rest is written as single bytes. */
function assemble({ head, checkpointJson, tail }: EntryParts, end: string): Buffer {
  const answer = Buffer.allocUnsafe(head.length + checkpointJson.length + tail.length + end.length)
  let at = answer.write(head, 0, 'latin1')
  at += checkpointJson.copy(answer, at)
  at += answer.write(tail, at, 'latin1')
  answer.write(end, at, 'latin1')
  return answer
}

function hexList({ siblings }: InclusionProof): string {
  let list = ''
  for (const hash of siblings) list += `${list === '' ? '' : ','}"${toHex(hash)}"`
  return list
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
