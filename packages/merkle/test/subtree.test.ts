/** Subtrees against the recursion of the draft, written down slowly. */
import fc from 'fast-check'
import t from 'tap'
import {
  asHash,
  emptyRootHash,
  emptyTree,
  growTree,
  type Hash,
  isSubtree,
  leafHash,
  ProofError,
  proveSubtree,
  type SubtreeProof,
  type Tile,
  tilesForSubtree,
  verifySubtree,
} from '../src/index.ts'
import { textbookConsistency, textbookPath, textbookRoot, textbookSubtree } from './textbook.ts'

fc.configureGlobal({ seed: 1 })

const leaves: Hash[] = Array.from({ length: 700 }, (_, at) => leafHash(Buffer.from(`leaf ${at}`)))
const rootOf = (start: number, end: number): Hash =>
  growTree(emptyTree, leaves.slice(start, end)).tree.rootHash
const tiles = new Map<string, Tile>()
for (const { level, index, tile } of growTree(emptyTree, leaves).changedTiles)
  tiles.set(`${level}/${index}`, tile)

function prove(start: number, end: number, size: number): SubtreeProof {
  const range = { start: BigInt(start), end: BigInt(end) }
  const needed = new Set(tilesForSubtree(range, BigInt(size)).map(({ level, index }) => `${level}/${index}`))
  return proveSubtree(range, BigInt(size), (level, index) => {
    const key = `${level}/${index}`
    const tile = tiles.get(key)
    if (tile === undefined || !needed.has(key)) throw new Error(`tile ${key} was not announced`)
    return tile
  })
}

/** Of the leaves that are wanted the start, the end and the size of the tree. */
const cases = fc
  .tuple(fc.integer({ min: 1, max: 700 }), fc.nat(), fc.nat())
  .map(([size, a, b]) => {
    const start = a % size
    return { start, end: start + 1 + (b % (size - start)), size }
  })
  .filter(({ start, end }) => isSubtree({ start: BigInt(start), end: BigInt(end) }))

t.test('a range is a subtree when its start has room for it', async (t) => {
  const found: string[] = []
  for (let start = 0n; start <= 8n; start++)
    for (let end = start; end <= 8n; end++)
      if (end > start && start > 0n && isSubtree({ start, end })) found.push(`${start}-${end}`)
  t.equal(found.join(' '), '1-2 2-3 2-4 3-4 4-5 4-6 4-7 4-8 5-6 6-7 6-8 7-8')
  t.ok(isSubtree({ start: 5n, end: 5n }), 'an empty one')
  t.ok(isSubtree({ start: 0n, end: 7n }), 'a whole tree')
  t.notOk(isSubtree({ start: 3n, end: 2n }))
  t.notOk(isSubtree({ start: -1n, end: 0n }))
})

t.test('proofs are those of the draft, and hold', async (t) => {
  fc.assert(
    fc.property(cases, ({ start, end, size }) => {
      const proof = prove(start, end, size)
      t.strictSame(proof.hashes, textbookSubtree(start, end, leaves.slice(0, size)))
      verifySubtree(proof, rootOf(start, end), rootOf(0, size))
    }),
  )
})

t.test('at the start they are consistency proofs, of one leaf inclusion proofs', async (t) => {
  for (const size of [1, 2, 7, 256, 300])
    for (const at of [0, 1, 5, 255, 299].filter((at) => at < size)) {
      const tree = leaves.slice(0, size)
      t.strictSame(prove(0, at + 1, size).hashes, textbookConsistency(at + 1, tree))
      t.strictSame(prove(at, at + 1, size).hashes, textbookPath(at, tree))
    }
  t.strictSame(rootOf(0, 300), textbookRoot(leaves.slice(0, 300)))
})

t.test('a proof that anything was changed in does not hold', async (t) => {
  fc.assert(
    fc.property(cases, fc.nat(), ({ start, end, size }, at) => {
      const proof = prove(start, end, size)
      const subtreeHash = rootOf(start, end)
      const rootHash = rootOf(0, size)
      const refused = (other: Partial<SubtreeProof>, hash = subtreeHash, root = rootHash) =>
        t.throws(() => verifySubtree({ ...proof, ...other }, hash, root), ProofError)
      refused({}, flipped(subtreeHash, at))
      refused({}, subtreeHash, flipped(rootHash, at))
      refused({ hashes: [...proof.hashes, subtreeHash] })
      if (proof.hashes.length === 0) return
      refused({ hashes: proof.hashes.slice(1) })
      const changed = at % proof.hashes.length
      refused({ hashes: proof.hashes.map((hash, place) => (place === changed ? flipped(hash, at) : hash)) })
    }),
  )
})

t.test('what is no subtree of the tree is refused, and nothing is a subtree of all', async (t) => {
  const root = rootOf(0, 10)
  const refused = (start: bigint, end: bigint) =>
    t.throws(() => verifySubtree({ start, end, treeSize: 10n, hashes: [] }, root, root), {
      code: 'wrong_size',
    })
  refused(8n, 11n)
  refused(1n, 3n)
  refused(3n, 2n)
  const empty = { start: 4n, end: 4n, treeSize: 10n }
  verifySubtree({ ...empty, hashes: [] }, emptyRootHash, root)
  t.throws(() => verifySubtree({ ...empty, hashes: [] }, root, root), { code: 'root_mismatch' })
  t.throws(() => verifySubtree({ ...empty, hashes: [root] }, emptyRootHash, root), { code: 'wrong_length' })
})

function flipped(hash: Hash, at: number): Hash {
  const other = Buffer.from(hash)
  other[at % 32] = (other[at % 32] ?? 0) ^ 1
  return asHash(other)
}
