/**
 * The checkpoint of a CT log: first the signature that static-ct-api demands, a tree head of RFC 6962 in a note, then that of tile logs
 * over the text, by which audits, backups and witnesses know the log. Both are by its one key.
 */
import { encodeCheckpoint, encodeSignatureLine, noteKeyHint } from '@sigstack/checkpoint'
import { keyFingerprint, type Signer, utf8 } from '@sigstack/crypto'
import { ctNoteKeyHint, encodeCtNoteSignature, sthSignedData } from '@sigstack/ct'
import type { LogOptions } from '@sigstack/log-engine'
import type { TreeHead } from '@sigstack/merkle'
import { signatureKind } from './tree-head.ts'

/** @param timestampOf Of the tree head: never before its newest entry, and never back. Milliseconds since the epoch. */
export function ctCheckpoints(
  signer: Signer,
  timestampOf: (treeHead: TreeHead) => Promise<number>,
): LogOptions['signCheckpoint'] {
  const logId = keyFingerprint(signer.publicKey)
  return async (treeHead, origin) => {
    const { size: treeSize, rootHash } = treeHead
    const text = encodeCheckpoint({ origin, treeHead })
    const timestampMs = await timestampOf(treeHead)
    const algorithm = signatureKind(signer)
    const [ofHead, ofText] = await Promise.all([
      signer.sign(sthSignedData({ timestampMs, treeSize, rootHash })),
      signer.sign(utf8(text)),
    ])
    const line = (keyHint: Uint8Array, signature: Uint8Array) =>
      encodeSignatureLine({ name: origin, keyHint, signature })
    const signature = encodeCtNoteSignature({ timestampMs, signature: { algorithm, signature: ofHead } })
    return (
      `${text}\n${line(ctNoteKeyHint(origin, logId), signature)}` +
      line(noteKeyHint(origin, signer.publicKey), ofText)
    )
  }
}
