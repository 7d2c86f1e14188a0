import { createSigner, generateSigningKey } from '@sigstack/crypto'
import type { LogReader } from '@sigstack/log-engine'
import { leafHash } from '@sigstack/merkle'
import t from 'tap'
import { openShard } from '../src/shards/shard.ts'
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
