/** What is compared of an answer of a log of Rekor v2. Its proofs are held to its own key, its body is compared to the byte. */
import { noteKeyHint, noteKeyId, verifyCheckpoint } from '@sigstack/checkpoint'
import { parseBase64, reasonOf, toBase64 } from '@sigstack/crypto'
import { asHash, leafHash, verifyInclusion } from '@sigstack/merkle'
import { checkpointForm } from '../checkpoint-form.ts'
import type { Answer } from '../exchange.ts'
import { type Facts, jsonFacts, outerFacts, shapeOf } from '../facts.ts'
import { hostname, type Side } from './servers.ts'

/** Of protobuf JSON, in which 64-bit numbers are texts. */
type Entry = {
  readonly logIndex: string
  readonly logId: { readonly keyId: string }
  readonly kindVersion: object
  readonly integratedTime: string
  readonly inclusionPromise: unknown
  readonly inclusionProof: {
    readonly logIndex: string
    readonly rootHash: string
    readonly treeSize: string
    readonly hashes: readonly string[]
    readonly checkpoint: { readonly envelope: string }
  }
  readonly canonicalizedBody: string
}

export async function answerFacts(answer: Answer, side: Side): Promise<Facts> {
  const outer = outerFacts(answer, withoutIndex)
  const entry = answer.status === 201 ? (JSON.parse(answer.body.toString()) as Entry) : undefined
  return new Map([
    ...outer,
    ...(entry === undefined ? jsonFacts(answer, withoutIndex) : await entryFacts(entry, side)),
  ])
}

/** The logs hold the same entries in the same order, but the first one of ours is its own. */
function withoutIndex(text: string): string {
  return text.replace(/^\d+$|(?<=with index )\d+$/, '<index>')
}

async function entryFacts(entry: Entry, side: Side): Promise<[string, string][]> {
  const { inclusionProof: proof } = entry
  const keyId = toBase64(noteKeyId(hostname, side.publicKey))
  return [
    ['body shape', shapeOf({ ...entry, inclusionProof: { ...proof, hashes: [] } })],
    ['canonical body', Buffer.from(entry.canonicalizedBody, 'base64').toString()],
    ['kind', JSON.stringify(entry.kindVersion)],
    ['log ID', entry.logId.keyId === keyId ? 'that of its key' : entry.logId.keyId],
    ['integrated time', entry.integratedTime],
    ['inclusion promise', JSON.stringify(entry.inclusionPromise)],
    ['index', entry.logIndex === proof.logIndex ? 'that of its proof' : 'another than that of its proof'],
    ['checkpoint', checkpointForm(proof.checkpoint.envelope)],
    ['proofs', await hold(entry, side).then(() => 'hold', reasonOf)],
  ]
}

/** As a client does: leaf, path, root, checkpoint. */
async function hold({ inclusionProof: proof, canonicalizedBody }: Entry, side: Side): Promise<void> {
  const rootHash = asHash(parseBase64(proof.rootHash))
  const treeSize = BigInt(proof.treeSize)
  const siblings = proof.hashes.map((hash) => asHash(parseBase64(hash)))
  verifyInclusion(
    { leafIndex: BigInt(proof.logIndex), treeSize, siblings },
    leafHash(parseBase64(canonicalizedBody)),
    rootHash,
  )
  await verifyCheckpoint(proof.checkpoint.envelope, {
    publicKey: side.publicKey,
    keyHint: noteKeyHint(hostname, side.publicKey),
    name: hostname,
    expectedTreeHead: { size: treeSize, rootHash },
  })
}
