import fc from 'fast-check'
import t from 'tap'
import {
  emptyRootHash,
  emptyTree,
  growTree,
  type Hash,
  leafHash,
  parseTilePath,
  proveConsistency,
  proveInclusion,
  rootOfPrefix,
  type Tile,
  type TileSource,
  tileFromHashes,
  tileHashes,
  tilePath,
  tilesForConsistency,
  tilesForInclusion,
  tilesForInclusions,
  treeFromEdge,
  verifyConsistency,
  verifyInclusion,
  widthOfTile,
} from '../src/index.ts'
import { textbookConsistency, textbookPath, textbookRoot } from './textbook.ts'

fc.configureGlobal({ seed: 1 })

const leafOf = (i: number): Hash => leafHash(Buffer.from(`leaf ${i}`))

/** A store of tiles as the log keeps them: the newest of each address. */
function growBy(batches: readonly number[]): {
  leaves: Hash[]
  size: bigint
  rootHash: Hash
  tiles: TileSource
} {
  const stored = new Map<string, Tile>()
  const leaves: Hash[] = []
  let tree = emptyTree
  for (const count of batches) {
    const batch = Array.from({ length: count }, (_, i) => leafOf(leaves.length + i))
    leaves.push(...batch)
    const grown = growTree(tree, batch)
    for (const changed of grown.changedTiles) {
      stored.set(`${changed.level}/${changed.index}`, tileFromHashes(tileHashes(changed.tile, changed.width)))
    }
    tree = grown.tree
  }
  const tiles: TileSource = (level, index) => {
    const tile = stored.get(`${level}/${index}`)
    if (tile === undefined) throw new Error(`no tile ${level}/${index}`)
    return tile
  }
  return { leaves, size: tree.size, rootHash: tree.rootHash, tiles }
}

t.test('a tree grown in batches has the root of the textbook', async (t) => {
  t.same(emptyTree.rootHash, emptyRootHash)
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 5 }), (batches) => {
      const { leaves, rootHash } = growBy(batches)
      return Buffer.compare(rootHash, textbookRoot(leaves)) === 0
    }),
    { numRuns: 40 },
  )
})

t.test('proofs made from tiles are those of the textbook and verify', async () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 700 }), fc.nat(), fc.nat(), (size, a, b) => {
      const { leaves, rootHash, tiles } = growBy([Math.floor(size / 2), size - Math.floor(size / 2)])
      const index = a % size
      const inclusion = proveInclusion(BigInt(index), BigInt(size), tiles)
      same(inclusion.siblings, textbookPath(index, leaves))
      verifyInclusion(inclusion, leaves[index] as Hash, rootHash)
      const oldSize = 1 + (b % size)
      const consistency = proveConsistency(BigInt(oldSize), BigInt(size), tiles)
      same(consistency.hashes, textbookConsistency(oldSize, leaves))
      verifyConsistency(consistency, rootOfPrefix(BigInt(oldSize), tiles), rootHash)
    }),
    { numRuns: 60 },
  )
})

t.test('a tree of three levels of tiles proves its leaves', async (t) => {
  const size = 66_000
  const { leaves, rootHash, tiles } = growBy([65_535, 1, 464])
  for (const index of [0, 255, 256, 65_279, 65_535, 65_536, size - 1]) {
    const asked = new Set<string>()
    const proof = proveInclusion(BigInt(index), BigInt(size), (level, at) => {
      asked.add(`${level}/${at}`)
      return tiles(level, at)
    })
    t.doesNotThrow(() => verifyInclusion(proof, leaves[index] as Hash, rootHash), `leaf ${index}`)
    t.same(new Set(tilesForInclusion(BigInt(index), BigInt(size)).map((x) => `${x.level}/${x.index}`)), asked)
  }
  const several = [0n, 255n, 65_279n, 65_536n, 65_536n]
  const told = tilesForInclusions(several, BigInt(size)).map(({ level, index }) => `${level}/${index}`)
  const each = several.flatMap((index) => tilesForInclusion(index, BigInt(size)))
  t.same(
    told.toSorted(),
    [...new Set(each.map(({ level, index }) => `${level}/${index}`))].toSorted(),
    'for several leaves each tile is told once',
  )
  const old = 65_537n
  const proof = proveConsistency(old, BigInt(size), tiles)
  t.doesNotThrow(() => verifyConsistency(proof, rootOfPrefix(old, tiles), rootHash))
  t.ok(tilesForConsistency(old, BigInt(size)).length <= 4)
})

t.test('a tree that was put aside can be grown again otherwise', async (t) => {
  const first = growTree(emptyTree, [leafOf(0), leafOf(1), leafOf(2)]).tree
  growTree(first, [leafOf(7), leafOf(8)]) // a batch whose transaction failed
  const second = growTree(first, [leafOf(3), leafOf(4)]).tree
  t.same(second.rootHash, textbookRoot([0, 1, 2, 3, 4].map(leafOf)))
  t.same(treeFromEdge(second.size, second.edge).rootHash, second.rootHash)
})

t.test('tile paths are those of C2SP', async (t) => {
  const known: [string, number | 'entries', bigint, number][] = [
    ['tile/0/000', 0, 0n, 256],
    ['tile/0/067', 0, 67n, 256],
    ['tile/1/x001/000', 1, 1000n, 256],
    ['tile/0/x001/x234/067.p/8', 0, 1234067n, 8],
    ['tile/entries/000.p/12', 'entries', 0n, 12],
  ]
  for (const [path, level, index, width] of known) {
    t.equal(tilePath({ level, index, width }), path)
    t.same(parseTilePath(path), { level, index, width })
  }
  for (const path of [
    'tile/0/0',
    'tile/0/x000/001',
    'tile/00/000',
    'tile/64/000',
    'tile/0/000.p/0',
    'tile/0/000.p/256',
    'tile/0/000.p/08',
    'tile/data/000',
    'tile/0/001/000',
    '/tile/0/000',
  ]) {
    t.equal(parseTilePath(path), undefined, path)
  }
  fc.assert(
    fc.property(
      fc.string(),
      (path) => parseTilePath(path) === undefined || tilePath(parseTilePath(path) as never) === path,
    ),
  )
})

t.test('tiles of a tree of 70,000 leaves have the widths that C2SP gives', async (t) => {
  const size = 70_000n
  t.equal(widthOfTile(0, 272n, size), 256)
  t.equal(widthOfTile(0, 273n, size), 112)
  t.equal(widthOfTile(0, 274n, size), 0)
  t.equal(widthOfTile(1, 1n, size), 17)
  t.equal(widthOfTile(2, 0n, size), 1)
})

function same(actual: readonly Hash[], expected: readonly Hash[]): void {
  const hex = (hashes: readonly Hash[]) => hashes.map((hash) => Buffer.from(hash).toString('hex')).join()
  if (hex(actual) !== hex(expected)) throw new Error(`${hex(actual)} in place of ${hex(expected)}`)
}
