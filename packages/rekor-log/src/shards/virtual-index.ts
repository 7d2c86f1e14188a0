/**
 * Rekor v1's virtual index: one numbering over all shards, oldest first (rekor-v1.md section 5). The last shard is the active
 * one and grows; the lengths of those before it are final.
 */

/** The virtual index of each shard's first entry, given the lengths of all but the last. */
export function firstIndexes(inactiveLengths: readonly bigint[]): readonly bigint[] {
  const firsts = [0n]
  for (const length of inactiveLengths) firsts.push((firsts.at(-1) ?? 0n) + length)
  return firsts
}

/** Whatever lies beyond the inactive shards is in the active one, whether it exists there or not. */
export function shardAt<S extends { readonly firstIndex: bigint }>(
  shards: readonly S[],
  virtual: bigint,
): S | undefined {
  // The last that begins there: a shard without entries begins where the next one does.
  return shards.findLast(({ firstIndex }) => firstIndex <= virtual)
}
