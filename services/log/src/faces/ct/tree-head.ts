/** Signed tree heads (RFC 6962 section 3.5), signed once for every size and again as they age. */
import type { Signer } from '@sigstack/crypto'
import { toBase64 } from '@sigstack/crypto'
import { encodeDigitallySigned, sthSignedData } from '@sigstack/ct'
import type { LogReader } from '@sigstack/log-engine'
import type { TreeHead } from '@sigstack/merkle'

/** Monitors want a fresh time also of a tree that does not grow. */
const freshForMs = 60_000

/** Of a tree head: never before its newest entry, whichever replica's clock gave it its time, and never back. */
export type TreeTimes = (treeHead: TreeHead) => Promise<number>

export function createTreeTimes(log: Pick<LogReader, 'readEntry'>, nowMs: () => number): TreeTimes {
  let newestMs = 0
  return async ({ size }) => {
    const entry = size === 0n ? undefined : await log.readEntry(size - 1n)
    newestMs = Math.max(nowMs(), entry?.sequencedAtMs ?? 0, newestMs)
    return newestMs
  }
}

export function createTreeHeadSigner(
  log: LogReader,
  signer: Signer,
  timestampOf: TreeTimes,
  nowMs: () => number,
): () => Promise<string> {
  let newest: { readonly treeHead: TreeHead; readonly timestampMs: number; readonly json: string } | undefined

  return async () => {
    const treeHead = await log.treeHead()
    if (newest?.treeHead.size === treeHead.size && nowMs() - newest.timestampMs < freshForMs)
      return newest.json
    const timestampMs = await timestampOf(treeHead)
    const { size: treeSize, rootHash } = treeHead
    const signed = sthSignedData({ timestampMs, treeSize, rootHash })
    const signature = encodeDigitallySigned({
      algorithm: signatureKind(signer),
      signature: await signer.sign(signed),
    })
    const json =
      `{"tree_size":${treeSize},"timestamp":${timestampMs},"sha256_root_hash":"${toBase64(rootHash)}",` +
      `"tree_head_signature":"${toBase64(signature)}"}`
    if (newest === undefined || newest.treeHead.size <= treeSize) newest = { treeHead, timestampMs, json }
    return json
  }
}

/** CT knows two kinds of key (RFC 6962 section 2.1.4). */
export function signatureKind({ publicKey }: Signer): 'ecdsa' | 'rsa' {
  if (publicKey.type === 'ed25519') throw new Error('a CT log needs an ECDSA P-256 or RSA key, not Ed25519')
  return publicKey.type
}
