import { type Grown, growTree, type Hash, type Tree } from '@sigstack/merkle'

/**
 * Grows a tree by `hashes` in parts that end at each size of `stops` (ascending) on the way, for its root there. Yields what
 * {@link growTree} gives for each part.
 */
export function* growTo(tree: Tree, hashes: readonly Hash[], stops: readonly bigint[]): Generator<Grown> {
  let current = tree
  let at = firstAbove(stops, tree.size)
  for (let from = 0; from < hashes.length; ) {
    const stop = stops[at]
    const to = stop === undefined ? hashes.length : from + Number(stop - current.size)
    const grown = growTree(current, hashes.slice(from, to))
    from = Math.min(to, hashes.length)
    current = grown.tree
    while ((stops[at] ?? current.size + 1n) <= current.size) at++
    yield grown
  }
}

/** There may be as many sizes as answers that somebody kept, so they are not gone through for every page. */
function firstAbove(stops: readonly bigint[], size: bigint): number {
  let low = 0
  let high = stops.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((stops[middle] ?? 0n) > size) high = middle
    else low = middle + 1
  }
  return low
}
