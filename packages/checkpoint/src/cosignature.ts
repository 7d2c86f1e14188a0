/**
 * Cosignatures (C2SP tlog-cosignature): a signature line with a time, by which somebody says that a checkpoint is consistent with all
 * that they have seen of the log. By Ed25519 over the text, by ML-DSA-44 over a binary form of origin, size and root.
 */
import { concatBytes, mlDsaSignatureBytes, utf8, verifyMlDsa, verifySignature } from '@sigstack/crypto'
import type { Hash, LeafRange } from '@sigstack/merkle'
import type { Checkpoint } from './checkpoint.ts'
import { CheckpointError } from './errors.ts'
import type { NoteKey } from './note-key.ts'
import { encodeSignatureLine } from './signed-note.ts'

/** A key that cosigns, and may be used but not seen. */
export type Cosigner = {
  readonly key: NoteKey
  sign(message: Uint8Array): Promise<Uint8Array>
}

type Cosigned = Pick<Checkpoint, 'text' | 'origin' | 'treeHead' | 'extensionLines'>

const timeBytes = 8
const ed25519SignatureBytes = 64
const largestTime = 2n ** 63n - 1n
const subtreeLabel = utf8('subtree/v1\n\0')
const longestOrigin = 255

/**
 * One signature line over the whole tree. `timeSeconds` is since the epoch and not 0. Throws `bad_checkpoint` when the key is ML-DSA and
 * the checkpoint has extension lines, which it would not cover, or an origin of more than 255 bytes.
 */
export async function cosign(
  checkpoint: Cosigned,
  { key, sign }: Cosigner,
  timeSeconds: bigint,
): Promise<string> {
  if (timeSeconds < 1n || timeSeconds > largestTime)
    throw new RangeError(`${timeSeconds} is no time of a cosignature`)
  const signature = await sign(signedBytes(key, checkpoint, timeSeconds))
  return encodeSignatureLine({
    name: key.name,
    keyHint: key.keyHint,
    signature: concatBytes(uint64(timeSeconds), signature),
  })
}

/** Leaves of a log as a tree of their own, and its hash. */
export type Subtree = LeafRange & { readonly origin: string; readonly hash: Hash }

/**
 * One signature line over a subtree, with no time. Only ML-DSA-44 has such: throws a RangeError for keys of other kinds, and
 * `bad_checkpoint` for an origin of more than 255 bytes.
 */
export async function cosignSubtree(subtree: Subtree, { key, sign }: Cosigner): Promise<string> {
  if (key.kind !== 'ml-dsa-44') throw new RangeError(`keys of kind ${key.kind} do not sign subtrees`)
  const why = whyNoOrigin(subtree.origin)
  if (why !== undefined) throw new CheckpointError('bad_checkpoint', `ML-DSA-44 cannot sign this: ${why}`)
  const signature = await sign(subtreeBytes(key.name, subtree, 0n))
  return encodeSignatureLine({
    name: key.name,
    keyHint: key.keyHint,
    signature: concatBytes(uint64(0n), signature),
  })
}

/** Whether a key can cosign this: see {@link cosign}. */
export function canCosign(checkpoint: Cosigned, key: NoteKey): boolean {
  return key.kind !== 'ml-dsa-44' || whyNotMlDsa(checkpoint) === undefined
}

/** The time in seconds of a cosignature that verifies, undefined for any other. The line's name and hint are the key's already. */
export async function cosignatureTime(
  checkpoint: Cosigned,
  key: NoteKey,
  signature: Uint8Array,
): Promise<bigint | undefined> {
  const isMlDsa = key.kind === 'ml-dsa-44'
  const length = timeBytes + (isMlDsa ? mlDsaSignatureBytes : ed25519SignatureBytes)
  if (signature.length !== length || !canCosign(checkpoint, key)) return undefined
  const time = Buffer.from(signature.subarray(0, timeBytes)).readBigUInt64BE()
  if (time > largestTime) return undefined
  const message = signedBytes(key, checkpoint, time)
  const bare = signature.subarray(timeBytes)
  const isValid = isMlDsa
    ? await verifyMlDsa(key.material, message, bare)
    : key.publicKey !== undefined && (await verifySignature(key.publicKey, undefined, message, bare))
  return isValid ? time : undefined
}

function signedBytes(key: NoteKey, checkpoint: Cosigned, time: bigint): Uint8Array {
  if (key.kind === 'cosignature') return utf8(`cosignature/v1\ntime ${time}\n${checkpoint.text}`)
  if (key.kind !== 'ml-dsa-44') throw new RangeError(`keys of kind ${key.kind} do not cosign`)
  const why = whyNotMlDsa(checkpoint)
  if (why !== undefined) throw new CheckpointError('bad_checkpoint', `ML-DSA-44 cannot sign this: ${why}`)
  const { origin, treeHead } = checkpoint
  return subtreeBytes(key.name, { origin, start: 0n, end: treeHead.size, hash: treeHead.rootHash }, time)
}

function subtreeBytes(
  cosigner: string,
  { origin, start, end, hash }: Subtree,
  timeSeconds: bigint,
): Uint8Array {
  return concatBytes(
    subtreeLabel,
    withLength(cosigner),
    uint64(timeSeconds),
    withLength(origin),
    uint64(start),
    uint64(end),
    hash,
  )
}

function whyNotMlDsa({ origin, extensionLines }: Cosigned): string | undefined {
  return extensionLines.length > 0 ? 'it has extension lines' : whyNoOrigin(origin)
}

function whyNoOrigin(origin: string): string | undefined {
  const { length } = utf8(origin)
  return length < 1 || length > longestOrigin ? `its origin has not 1 to ${longestOrigin} bytes` : undefined
}

function withLength(text: string): Uint8Array {
  const bytes = utf8(text)
  return concatBytes(Uint8Array.of(bytes.length), bytes)
}

function uint64(value: bigint): Uint8Array {
  const bytes = Buffer.alloc(timeBytes)
  bytes.writeBigUInt64BE(value)
  return bytes
}
