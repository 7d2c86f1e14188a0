/**
 * The checkpoint (C2SP tlog-checkpoint): a signed note whose text says origin, tree size and root hash. One form serves
 * Rekor v1, Rekor v2 and tile logs; they differ in the key hint only (key-hint.ts).
 */
import type { PublicKey, Signer } from '@sigstack/crypto'
import { equalBytes, parseBase64, toBase64, utf8, verifySignature } from '@sigstack/crypto'
import type { Hash, TreeHead } from '@sigstack/merkle'
import { CheckpointError } from './errors.ts'
import type { NoteSignature, SignedNote } from './signed-note.ts'
import { encodeSignatureLine, parseSignedNote } from './signed-note.ts'

export type Checkpoint = SignedNote & {
  readonly origin: string
  readonly treeHead: TreeHead
  /** Further signed lines; old Rekor entries hold `Timestamp: <ns>`. We write one alone, of a frozen log. */
  readonly extensionLines: readonly string[]
}

const hashBytes = 32
/** Each costs a verification; logs sign once. */
const mostByOneKey = 16
/** Sizes are unsigned 64-bit numbers. */
const largestSize = 2n ** 64n - 1n

/** Throws `bad_note` or `bad_checkpoint`; looks at no signature. */
export function parseCheckpoint(note: string): Checkpoint {
  const signed = parseSignedNote(note)
  const [origin, sizeText, rootText, ...extensionLines] = signed.text.slice(0, -1).split('\n')
  if (origin === undefined || sizeText === undefined || rootText === undefined) {
    throw bad('it has less than three lines')
  }
  // Canonical decimals and base64 only: one tree head has one text.
  if (!/^(?:0|[1-9]\d{0,19})$/.test(sizeText)) throw bad('its second line is no tree size')
  const size = BigInt(sizeText)
  if (size > largestSize) throw bad('its tree size exceeds 64 bits')
  return { ...signed, origin, treeHead: { size, rootHash: parseRoot(rootText) }, extensionLines }
}

/** The signed text of a checkpoint. */
export function encodeCheckpoint(checkpoint: {
  readonly origin: string
  readonly treeHead: TreeHead
  readonly extensionLines?: readonly string[]
}): string {
  const { origin, treeHead, extensionLines = [] } = checkpoint
  for (const line of [origin, ...extensionLines])
    if (line === '' || /[\p{Cc}]/u.test(line)) throw bad('an origin, as any line, is one and not empty')
  const head = `${origin}\n${treeHead.size}\n${toBase64(treeHead.rootHash)}\n`
  return head + extensionLines.map((line) => `${line}\n`).join('')
}

/** A whole note with one signature line by `name`, which is the origin itself except in Rekor v1 (the host name). */
export async function signCheckpoint(options: {
  readonly origin: string
  readonly name: string
  readonly treeHead: TreeHead
  readonly extensionLines?: readonly string[]
  readonly signer: Signer
  readonly keyHint: Uint8Array
}): Promise<string> {
  const { name, signer, keyHint } = options
  const text = encodeCheckpoint(options)
  const signature = await signer.sign(utf8(text))
  return `${text}\n${encodeSignatureLine({ name, keyHint, signature })}`
}

/**
 * The checkpoint in `note`, once the signature lines with `keyHint` (and `name`, where given) verify: there must be one,
 * and none may be false, as C2SP signed-note wants it. Lines of other keys, such as witnesses, are passed over. ECDSA and RSA are over SHA-256 whatever the size of the key, Ed25519 is pure.
 * Throws `unknown_signer`, `bad_signature` or `wrong_tree_head`. The origin is the caller's to compare.
 */
export async function verifyCheckpoint(
  note: string,
  log: {
    readonly publicKey: PublicKey
    readonly keyHint: Uint8Array
    readonly name?: string
    /** What an inclusion proof beside the checkpoint leads to. */
    readonly expectedTreeHead?: TreeHead
  },
): Promise<Checkpoint> {
  const checkpoint = parseCheckpoint(note)
  const { expectedTreeHead } = log
  if (expectedTreeHead !== undefined && !isSameTreeHead(checkpoint.treeHead, expectedTreeHead)) {
    throw new CheckpointError(
      'wrong_tree_head',
      `the checkpoint is of size ${checkpoint.treeHead.size} or another root, the proof of size ${expectedTreeHead.size}`,
    )
  }
  const ours = (line: NoteSignature) =>
    equalBytes(line.keyHint, log.keyHint) && (log.name === undefined || line.name === log.name)
  const candidates = checkpoint.signatures.filter(ours)
  if (candidates.length === 0) throw new CheckpointError('unknown_signer', 'no signature line is by the log')
  if (candidates.length > mostByOneKey)
    throw new CheckpointError('bad_note', `the log has signed more than ${mostByOneKey} times`)
  const signed = utf8(checkpoint.text)
  for (const { signature } of candidates) {
    if (!(await verifySignature(log.publicKey, 'sha256', signed, signature)))
      throw new CheckpointError('bad_signature', 'the signature of the checkpoint does not verify')
  }
  return checkpoint
}

function isSameTreeHead(a: TreeHead, b: TreeHead): boolean {
  return a.size === b.size && equalBytes(a.rootHash, b.rootHash)
}

function parseRoot(text: string): Hash {
  let bytes: Uint8Array | undefined
  try {
    bytes = parseBase64(text)
  } catch (cause) {
    throw bad('its third line is not base64', cause)
  }
  if (bytes.length !== hashBytes || toBase64(bytes) !== text) throw bad('its root hash has not 32 bytes')
  return bytes as Hash
}

function bad(why: string, cause?: unknown): CheckpointError {
  return new CheckpointError('bad_checkpoint', `not a checkpoint: ${why}`, { cause })
}
