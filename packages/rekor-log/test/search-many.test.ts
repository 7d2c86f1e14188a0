import { asHash, type Hash } from '@sigstack/merkle'
import { testDatabase } from '@sigstack/postgres/testing'
import t from 'tap'
import { openSearch } from '../src/search/index.ts'
import { searchKeysFor } from '../src/search/search-key.ts'

const entries = 12_000
const asker = { network: '127.0.0.1', isGone: () => false }

t.test(
  'a key of many entries finds the newest, each once, and one such search is done at a time',
  async (t) => {
    const { pool } = await testDatabase(t)
    const logId = new Uint8Array(32)
    const held = Promise.withResolvers<void>()
    let reading = 0
    let mostReading = 0
    const log = {
      logId,
      name: 'rekor-v1' as const,
      length: async () => BigInt(entries),
      onAppended: () => {},
      readLeafHashes: async (indexes: readonly bigint[]): Promise<readonly Hash[]> => {
        mostReading = Math.max(mostReading, ++reading)
        await new Promise(setImmediate)
        reading--
        return indexes.map(() => asHash(new Uint8Array(32)))
      },
    }
    const turns = {
      take: async () => ({ outcome: 'at the end', position: BigInt(entries) }) as const,
      stop: async () => {},
    }
    const onError = (error: unknown) => t.fail(String(error))
    const search = await openSearch({ pool, readers: pool, log, turns, onError })
    t.teardown(() => search.stop())
    const [many, few] = ['many', 'few'].map((key) => searchKeysFor(logId, key)[0])
    await pool.query(
      `insert into search_key (key, leaf_index)
       select $1::bigint, i from generate_series(0, ${entries - 1}) as i
       union all select $2::bigint, i from generate_series(0, 499) as i`,
      [many, few],
    )
    const find = async (key: string) =>
      (await search.find([[key]], 'or', asker)).map(({ virtualIndex }) => virtualIndex)
    const newest = Array.from({ length: 10_000 }, (_, i) => BigInt(entries - 1 - i))
    const both = Promise.all([find('many'), find('many')])
    t.equal((await find('few')).length, 500, 'those of few wait for nobody')
    held.resolve()
    t.strictSame(await both, [newest, newest])
    t.equal(mostReading, 1)
    t.strictSame(await search.firstUnder(['many', 'few', 'none'], 3), [0n, 1n, 2n], 'the oldest, each once')
    t.strictSame(await search.firstUnder(['none'], 3), [])
    t.strictSame(await search.firstUnder([], 3), [])
  },
)
