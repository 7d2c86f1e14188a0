import { createSigner, generateSigningKey, toHex } from '@sigstack/crypto'
import { anyCodePoint } from '@sigstack/crypto/testing'
import { asHash, leafHash } from '@sigstack/merkle'
import { type Shard, treeIdHex } from '@sigstack/rekor-log'
import fc from 'fast-check'
import t from 'tap'
import { encodeLogEntryAnswer } from '../src/faces/rekor-v1/log-entry.ts'

fc.configureGlobal({ seed: 1 })

t.test('the hand-written entry is what JSON.stringify would write', async (t) => {
  const signer = createSigner(generateSigningKey())
  const shard = { signer, treeIdHex: treeIdHex(42n), logIdHex: '0a'.repeat(32) } as unknown as Shard
  const hash = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(asHash)
  const arbitrary = fc.record({
    leaf: fc.uint8Array({ maxLength: 300 }),
    siblings: fc.array(hash, { maxLength: 5 }),
    rootHash: hash,
    leafIndex: fc.maxSafeNat().map(BigInt),
    sequencedAtMs: fc.maxSafeNat(),
    // One line, as every origin is.
    origin: fc.string({ unit: anyCodePoint, maxLength: 20 }).map((text) => text.replaceAll('\n', ' ')),
  })
  const check = fc.asyncProperty(arbitrary, async (made) => {
    const { leaf, siblings, rootHash, leafIndex, sequencedAtMs, origin } = made
    const entry = { leaf, leafHash: leafHash(leaf), leafIndex, sequencedAtMs, extra: undefined }
    const treeHead = { size: leafIndex + 1n, rootHash }
    const note = `${origin}\n1\n\n\u2014 host AAAA\n`
    const proven = {
      entry,
      checkpoint: { treeHead, note },
      inclusionProof: { leafIndex, treeSize: treeHead.size, siblings },
    }
    const text = (await encodeLogEntryAnswer(shard, proven, leafIndex + 7n)).toString()
    const set = /"signedEntryTimestamp":"([^"]+)"/.exec(text)?.[1]
    const expected = {
      [`${treeIdHex(42n)}${toHex(entry.leafHash)}`]: {
        body: Buffer.from(leaf).toString('base64'),
        integratedTime: Math.floor(sequencedAtMs / 1000),
        logID: shard.logIdHex,
        logIndex: Number(leafIndex + 7n),
        verification: {
          inclusionProof: {
            checkpoint: note,
            hashes: siblings.map(toHex),
            logIndex: Number(leafIndex),
            rootHash: toHex(rootHash),
            treeSize: Number(treeHead.size),
          },
          signedEntryTimestamp: set,
        },
      },
    }
    // Above 2^53 JSON numbers of JavaScript round, ours do not.
    if (leafIndex + 7n <= BigInt(Number.MAX_SAFE_INTEGER)) t.equal(text, `${JSON.stringify(expected)}\n`)
  })
  await fc.assert(check, { numRuns: 100 })
})
