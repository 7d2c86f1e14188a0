/**
 * Rekor v1's virtual index: one numbering over all shards, oldest first (rekor-v1.md section 5). The last shard is the active
 * one and grows; the lengths of those before it are final.
 */

/** Where a virtual index points: the shard's position in the list, and the index inside it. */
export type ShardPlace = { readonly shard: number; readonly leafIndex: bigint }

export function virtualIndex(inactiveLengths: readonly bigint[], place: ShardPlace): bigint {
  let index = place.leafIndex
  for (const length of inactiveLengths.slice(0, place.shard)) index += length
  return index
}

/** Whatever lies beyond the inactive shards is in the active one, whether it exists there or not. */
export function placeOf(inactiveLengths: readonly bigint[], virtual: bigint): ShardPlace {
  let leafIndex = virtual
  for (const [shard, length] of inactiveLengths.entries()) {
    if (leafIndex < length) return { shard, leafIndex }
    leafIndex -= length
  }
  return { shard: inactiveLengths.length, leafIndex }
}
