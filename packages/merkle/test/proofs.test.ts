import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import t from 'tap'
import {
  asHash,
  consistencyPath,
  type Hash,
  inclusionSteps,
  leafHash,
  verifyConsistency,
  verifyInclusion,
  verifyInclusions,
} from '../src/index.ts'
import { textbookConsistency, textbookPath, textbookRoot, textbookSides } from './textbook.ts'

fc.configureGlobal({ seed: 1 })

type ProofCase = {
  desc: string
  proof: string[] | null
  wantErr: boolean
  leafHash?: string
  leafIdx: number
  root: string
  treeSize: number
  root1: string
  root2: string
  size1: number
  size2: number
}

const read = (name: string) => JSON.parse(readFileSync(new URL(`vectors/${name}`, import.meta.url), 'utf8'))
const fromBase64 = (text: string): Hash => asHash(Buffer.from(text, 'base64'))
const fromHex = (text: string): Hash => asHash(Buffer.from(text, 'hex'))
const leavesOf = (count: number): Hash[] =>
  Array.from({ length: count }, (_, i) => leafHash(Buffer.from(`leaf ${i}`)))

t.test('the published proof cases hold or fail as they should', async (t) => {
  const cases: Record<string, ProofCase> = read('proof-cases.json')
  t.equal(Object.keys(cases).length, 196)
  for (const [name, c] of Object.entries(cases)) {
    const hashes = () => (c.proof ?? []).map(fromBase64)
    const verify = name.startsWith('inclusion/')
      ? () =>
          verifyInclusion(
            { leafIndex: BigInt(c.leafIdx), treeSize: BigInt(c.treeSize), siblings: hashes() },
            fromBase64(c.leafHash ?? ''),
            fromBase64(c.root),
          )
      : () =>
          verifyConsistency(
            { oldSize: BigInt(c.size1), newSize: BigInt(c.size2), hashes: hashes() },
            // Roots of other lengths occur here, and only have to be equal.
            Buffer.from(c.root1, 'base64') as Uint8Array as Hash,
            Buffer.from(c.root2, 'base64') as Uint8Array as Hash,
          )
    // Some cases hold hashes of other lengths, which cannot even be named as hashes here.
    if (c.wantErr) t.throws(verify, { name: /^(Proof|Range)Error$/ }, `${name}: ${c.desc}`)
    else t.doesNotThrow(verify, `${name}: ${c.desc}`)
  }
})

t.test('the eight standard leaves give the published roots and proofs', async (t) => {
  const vector = read('eight-leaves.json')
  const leaves = vector.leafInputsHex.map((hex: string) => leafHash(Buffer.from(hex, 'hex')))
  t.same(
    leaves.map((hash: Hash) => Buffer.from(hash).toString('hex')),
    vector.leafHashes,
  )
  const root = (size: number) => fromHex(vector.rootsBySize[size])
  for (let size = 0; size <= 8; size++) t.same(textbookRoot(leaves.slice(0, size)), root(size))
  for (const { index, treeSize, hashes } of vector.inclusion) {
    const proof = { leafIndex: BigInt(index), treeSize: BigInt(treeSize), siblings: hashes.map(fromHex) }
    t.doesNotThrow(
      () => verifyInclusion(proof, leaves[index], root(treeSize)),
      `leaf ${index} of ${treeSize}`,
    )
  }
  for (const { firstSize, lastSize, hashes } of vector.consistency) {
    const proof = { oldSize: BigInt(firstSize), newSize: BigInt(lastSize), hashes: hashes.map(fromHex) }
    t.doesNotThrow(
      () => verifyConsistency(proof, root(firstSize), root(lastSize)),
      `${firstSize} to ${lastSize}`,
    )
  }
})

t.test('a proof holds for its own leaf, size and root, and for no other', async () => {
  const sizes = fc
    .tuple(fc.integer({ min: 1, max: 200 }), fc.nat())
    .map(([size, at]) => ({ size, index: at % size }))
  fc.assert(
    fc.property(sizes, fc.nat(), ({ size, index }, other) => {
      const leaves = leavesOf(size)
      const root = textbookRoot(leaves)
      const siblings = textbookPath(index, leaves)
      verifyInclusion(
        { leafIndex: BigInt(index), treeSize: BigInt(size), siblings },
        leaves[index] as Hash,
        root,
      )
      const wrong = other % (size + 1)
      if (wrong === index) return
      const proof = { leafIndex: BigInt(wrong), treeSize: BigInt(size), siblings }
      throwsProofError(() => verifyInclusion(proof, leaves[index] as Hash, root))
    }),
  )
})

t.test('proofs that are verified together hold where each of them does', async () => {
  const leaves = leavesOf(70)
  const root = textbookRoot(leaves)
  const flip = (hash: Hash, bit: number): Hash => {
    const other = Uint8Array.from(hash)
    other[bit >> 3] = (other[bit >> 3] as number) ^ (1 << (bit & 7))
    return asHash(other)
  }
  const fault = fc.record({ of: fc.nat(), at: fc.nat(), bit: fc.integer({ min: 0, max: 255 }) })
  const indexes = fc.array(fc.integer({ min: 0, max: 69 }), { minLength: 1, maxLength: 8 })
  fc.assert(
    fc.property(indexes, fc.option(fault, { nil: undefined }), fc.nat(69), (indexes, fault, wrong) => {
      const proofs = indexes.map((index, at) => {
        const path = textbookPath(index, leaves)
        const isWrong = fault !== undefined && fault.of % indexes.length === at
        // The leaf comes first, and behind the siblings the index.
        const spot = isWrong ? fault.at % (path.length + 2) : -1
        const bit = fault?.bit ?? 0
        return {
          proof: {
            leafIndex: BigInt(spot === path.length + 1 ? wrong : index),
            treeSize: 70n,
            siblings: path.map((hash, i) => (spot === i + 1 ? flip(hash, bit) : hash)),
          },
          leafHash: spot === 0 ? flip(leaves[index] as Hash, bit) : (leaves[index] as Hash),
        }
      })
      const holds = (verify: () => void): boolean => {
        try {
          verify()
          return true
        } catch {
          return false
        }
      }
      const each = proofs.every(({ proof, leafHash }) => holds(() => verifyInclusion(proof, leafHash, root)))
      assert.equal(
        holds(() => verifyInclusions(proofs, root)),
        each,
      )
    }),
    { numRuns: 2_000 },
  )
})

t.test('in trees of any size the hashes of a path stand on the sides where RFC 6962 has them', async () => {
  const trees = fc
    .bigInt({ min: 1n, max: 2n ** 70n })
    .chain((size) => fc.bigInt({ min: 0n, max: size - 1n }).map((index) => ({ size, index })))
  const hashes = leavesOf(72)
  const [leaf] = hashes as [Hash]
  fc.assert(
    fc.property(trees, fc.nat(), ({ size, index }, other) => {
      const sides = textbookSides(index, size)
      const proofOf = (length: number) => ({
        leafIndex: index,
        treeSize: size,
        siblings: hashes.slice(0, length),
      })
      const steps = inclusionSteps(proofOf(sides.length), leaf)
      assert.deepEqual(
        steps.map(({ side }) => side),
        sides,
      )
      let hash = leaf
      for (const [at, side] of sides.entries()) {
        const sibling = hashes[at] as Hash
        hash = textbookRoot(side === 'left' ? [sibling, hash] : [hash, sibling])
        assert.deepEqual(steps[at]?.hash, hash)
      }
      const wrong = other % 72
      if (wrong !== sides.length) throwsProofError(() => inclusionSteps(proofOf(wrong), leaf))
    }),
  )
})

t.test('a tree is consistent with its own past, and not with another', async () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 150 }), fc.nat(), (newSize, at) => {
      const oldSize = 1 + (at % newSize)
      const leaves = leavesOf(newSize)
      const newRoot = textbookRoot(leaves)
      const proof = {
        oldSize: BigInt(oldSize),
        newSize: BigInt(newSize),
        hashes: textbookConsistency(oldSize, leaves),
      }
      const oldRoot = textbookRoot(leaves.slice(0, oldSize))
      verifyConsistency(proof, oldRoot, newRoot)
      if (oldSize < newSize) {
        const last = consistencyPath(proof, oldRoot).steps.at(-1)
        assert.deepEqual([last?.oldHash, last?.newHash], [oldRoot, newRoot])
      }
      const forked = [...leaves.slice(0, oldSize - 1), leafHash(Buffer.from('fork'))]
      throwsProofError(() => verifyConsistency(proof, textbookRoot(forked), newRoot))
    }),
  )
})

function throwsProofError(work: () => void): void {
  try {
    work()
  } catch (error) {
    if (error instanceof Error && error.name === 'ProofError') return
    throw error
  }
  throw new Error('accepted what it must refuse')
}
