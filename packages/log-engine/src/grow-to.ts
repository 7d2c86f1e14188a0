import { type Grown, growTree, type Hash, type Tree } from '@sigstack/merkle'

/**
 * Grows a tree by `hashes` in parts that end at each size of `stops` (ascending) on the way, for its root there. Yields what
 * {@link growTree} gives for each part.
 */
export function* growTo(tree: Tree, hashes: readonly Hash[], stops: readonly bigint[]): Generator<Grown> {
  let current = tree
  for (let from = 0; from < hashes.length; ) {
    const next = stops.find((at) => at > current.size)
    const to = next === undefined ? hashes.length : from + Number(next - current.size)
    const grown = growTree(current, hashes.slice(from, to))
    from = Math.min(to, hashes.length)
    current = grown.tree
    yield grown
  }
}
