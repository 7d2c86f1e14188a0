import { toHex } from '@sigstack/crypto'
import fc from 'fast-check'
import t from 'tap'
import { parseEntryId } from '../src/entries/entry-id.ts'
import { originOf, parseOrigin, treeIdFrom, treeIdHex } from '../src/shards/tree-id.ts'
import { firstIndexes, shardAt } from '../src/shards/virtual-index.ts'

fc.configureGlobal({ seed: 1 })

t.test('virtual indexes are those of the public instances', async (t) => {
  const production = [4_163_431n, 117_740_831n]
  const staging = [461n, 14_358n, 31_667_593n]
  const real: [readonly bigint[], bigint, { shard: number; leafIndex: bigint }][] = [
    [production, 79_571_823n, { shard: 1, leafIndex: 75_408_392n }],
    [production, 175_508_996n, { shard: 2, leafIndex: 53_604_734n }],
    [production, 3_120_029n, { shard: 0, leafIndex: 3_120_029n }],
    [staging, 1_688n, { shard: 1, leafIndex: 1_227n }],
    [staging, 51_753_644n, { shard: 3, leafIndex: 20_071_232n }],
    [staging, 460n, { shard: 0, leafIndex: 460n }],
    [staging, 461n, { shard: 1, leafIndex: 0n }],
    [[], 7n, { shard: 0, leafIndex: 7n }],
  ]
  for (const [lengths, virtual, place] of real) {
    const shards = firstIndexes(lengths).map((firstIndex, shard) => ({ shard, firstIndex }))
    const found = shardAt(shards, virtual)
    t.equal(found?.shard, place.shard)
    t.equal((found?.firstIndex ?? 0n) + place.leafIndex, virtual)
  }
})

t.test('tree IDs, origins and entry IDs keep 63 bits', async (t) => {
  t.equal(treeIdHex(2605736670972794746n), '24296fb24b8ad77a')
  t.equal(treeIdHex(1n), '0000000000000001')
  t.strictSame(parseOrigin('rekor.example.org - 2605736670972794746'), {
    hostname: 'rekor.example.org',
    treeId: 2605736670972794746n,
  })
  for (const bad of [
    'rekor.example.org',
    'h - 0',
    'h - 01',
    'h - 9223372036854775808',
    'a b - 1',
    ' - 1',
    'h - 1\n',
  ]) {
    t.equal(parseOrigin(bad), undefined, bad)
  }
  t.equal(treeIdFrom(new Uint8Array(8)), 1n)
  t.equal(treeIdFrom(new Uint8Array(8).fill(255)), 2n ** 63n - 1n)
  fc.assert(
    fc.property(
      fc.bigInt(1n, 2n ** 63n - 1n),
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      (treeId, leaf) => {
        const id = parseEntryId(treeIdHex(treeId) + toHex(leaf))
        return (
          id?.treeId === treeId &&
          toHex(id.leafHash) === toHex(leaf) &&
          parseOrigin(originOf('h', treeId))?.treeId === treeId
        )
      },
    ),
  )
})
