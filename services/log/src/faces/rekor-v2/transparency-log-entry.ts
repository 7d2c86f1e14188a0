/**
 * `dev.sigstore.rekor.v1.TransparencyLogEntry` in protobuf JSON (rekor-v2.md section 5), written by hand: it is the answer of the hot
 * path. 64-bit numbers are texts there.
 */
import { asBuffer, toBase64 } from '@sigstack/crypto'
import type { Appended, SignedCheckpoint } from '@sigstack/log-engine'

export type ProvenEntry = Pick<Appended, 'entry' | 'checkpoint' | 'inclusionProof'>

/** @param logId Of the shard, in base64. */
export function encodeTransparencyLogEntry(logId: string, proven: ProvenEntry): Buffer {
  const { entry, checkpoint, inclusionProof } = proven
  const { size, rootHash } = checkpoint.treeHead
  const index = `"logIndex":"${entry.leafIndex}"`
  const hashes = inclusionProof.siblings.map((hash) => `"${toBase64(hash)}"`).join(',')
  const { kind, version } = kindOf(entry.leaf)
  return Buffer.from(
    `{${index},"logId":{"keyId":"${logId}"},"kindVersion":{"kind":"${kind}","version":"${version}"},` +
      `"integratedTime":"0","inclusionPromise":null,"inclusionProof":{${index},"rootHash":"${toBase64(rootHash)}",` +
      `"treeSize":"${size}","hashes":[${hashes}],"checkpoint":{"envelope":${envelopeOf(checkpoint)}}},` +
      `"canonicalizedBody":"${toBase64(entry.leaf)}"}`,
  )
}

/** Canonical bodies begin alike, so what an entry is can be told by its first bytes. */
export function kindOf(leaf: Uint8Array): { readonly kind: string; readonly version: string } {
  const start = asBuffer(leaf.subarray(0, 80)).toString('latin1')
  const [, version, kind] = /^\{"apiVersion":"([0-9.]{1,20})","kind":"([a-z0-9]{1,40})"/.exec(start) ?? []
  if (version === undefined || kind === undefined) throw new Error('the log holds an entry of no kind')
  return { kind, version }
}

// All answers of a batch share one checkpoint.
const envelopes = new WeakMap<SignedCheckpoint, string>()

function envelopeOf(checkpoint: SignedCheckpoint): string {
  const known = envelopes.get(checkpoint)
  if (known !== undefined) return known
  const json = JSON.stringify(checkpoint.note)
  envelopes.set(checkpoint, json)
  return json
}
