import { createSigner, generateSigningKey } from '@sigstack/crypto'
import type { LogEntry, LogReader } from '@sigstack/log-engine'
import { leafHash } from '@sigstack/merkle'
import t from 'tap'
import { openShard } from '../src/shards/shard.ts'
import { readByShard } from '../src/shards/virtual-index.ts'
import { wholeLog } from '../src/shards/whole-log.ts'

const hashOf = (text: string) => leafHash(Buffer.from(text))

/** A shard of which only what is read here is there. */
function shardOf(treeId: number, firstIndex: bigint, leaves: readonly string[]) {
  const log = {
    origin: `rekor.example.org - ${treeId}`,
    logId: new Uint8Array(32),
    treeHead: async () => ({ size: BigInt(leaves.length), rootHash: hashOf('') }),
    readTile: async () => Buffer.concat(leaves.map(hashOf)),
  }
  return openShard(log as unknown as LogReader, createSigner(generateSigningKey()), firstIndex)
}

t.test('each index has its hash at its own place, also beside indexes that are nowhere', async (t) => {
  const list = () => [shardOf(1, 0n, ['a', 'b']), shardOf(2, 2n, ['c'])]
  const log = wholeLog({ list, onAppended: () => {} })
  t.strictSame(await log.readLeafHashes([1n, -1n, 2n, 3n, 0n]), [
    hashOf('b'),
    undefined,
    hashOf('c'),
    undefined,
    hashOf('a'),
  ])
})

t.test('each shard is asked once for its entries, which come in the order asked for', async (t) => {
  const asked: (readonly bigint[])[] = []
  const shards = [
    { firstIndex: 0n, name: 'a' },
    { firstIndex: 2n, name: 'b' },
  ]
  const found = await readByShard(shards, [3n, 0n, 2n, 1n, 9n, -1n], async ({ name }, leafIndexes) => {
    asked.push(leafIndexes)
    return leafIndexes.map((leafIndex) =>
      leafIndex > 1n ? undefined : ({ leafIndex, leaf: Buffer.from(name) } as unknown as LogEntry),
    )
  })
  t.same(
    found.map((each) => each && `${each.shard.name}${each.entry.leafIndex}`),
    ['b1', 'a0', 'b0', 'a1', undefined, undefined],
  )
  t.same(asked, [
    [1n, 0n, 7n],
    [0n, 1n],
  ])
})
