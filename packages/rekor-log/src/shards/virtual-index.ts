/**
 * Rekor v1's virtual index: one numbering over all shards, oldest first (rekor-v1.md section 5). The last shard is the active
 * one and grows; the lengths of those before it are final.
 */
import type { LogEntry } from '@sigstack/log-engine'

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

export type PlacedIn<Shard> = { readonly shard: Shard; readonly entry: LogEntry }

/** Each shard is asked once for all that is in it. In the order of `virtuals`; `undefined` for what is not there. */
export async function readByShard<Shard extends { readonly firstIndex: bigint }>(
  shards: readonly Shard[],
  virtuals: readonly bigint[],
  read: (shard: Shard, leafIndexes: readonly bigint[]) => Promise<readonly (LogEntry | undefined)[]>,
): Promise<readonly (PlacedIn<Shard> | undefined)[]> {
  const found = new Map<bigint, PlacedIn<Shard>>()
  for (const [shard, own] of Map.groupBy(virtuals, (virtual) => shardAt(shards, virtual))) {
    if (shard === undefined) continue
    const leafIndexes = own.map((virtual) => virtual - shard.firstIndex)
    for (const [at, entry] of (await read(shard, leafIndexes)).entries()) {
      const virtual = own[at]
      if (virtual !== undefined && entry !== undefined) found.set(virtual, { shard, entry })
    }
  }
  return virtuals.map((virtual) => found.get(virtual))
}
