/** What a log uploads to its mirrors (C2SP tlog-mirror, `add-entries`). */
import { concatBytes, utf8 } from '@sigstack/crypto'
import type { Hash, LeafRange } from '@sigstack/merkle'

/** The rest of one entry bundle, and the proof of the whole bundle as a subtree of the tree that the upload leads to. */
export type UploadPackage = {
  /** As bundles have them: each after its length in 16 bits. */
  readonly entries: Uint8Array
  /** At most 63 hashes. */
  readonly proof: readonly Hash[]
}

/** The body of a request; `end` is the size of a checkpoint that was submitted. */
export function encodeUpload(
  { origin, start, end }: LeafRange & { readonly origin: string },
  packages: readonly UploadPackage[],
): Uint8Array {
  const name = utf8(origin)
  const head = Buffer.alloc(2 + name.length + 18)
  head.writeUInt16BE(name.length)
  head.set(name, 2)
  head.writeBigUInt64BE(start, 2 + name.length)
  head.writeBigUInt64BE(end, 10 + name.length)
  // The last two bytes are the length of a ticket: none.
  const parts = packages.flatMap(({ entries, proof }) => [entries, Uint8Array.of(proof.length), ...proof])
  return concatBytes(head, ...parts)
}
