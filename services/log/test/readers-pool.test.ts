import { createPool, type Pool, type Queryable } from '@sigstack/postgres'
import { createTurns, openSearch, searchKeysOfEntry, wholeLog } from '@sigstack/rekor-log'
import t from 'tap'
import { openRekor } from './support.ts'

/** The pool, and the texts of what was asked of it. */
function recorded(pool: Pool): { pool: Pool; texts: string[] } {
  const texts: string[] = []
  const query: Queryable['query'] = (statement, values) => {
    texts.push(typeof statement === 'string' ? statement : statement.text)
    return pool.query(statement, values)
  }
  return { texts, pool: { ...pool, query } }
}

const asker = { network: '127.0.0.1', isGone: () => false }

t.test('a search never takes a connection of the writers, and no more than a bounded walk', async (t) => {
  const { database, log, shard } = await openRekor(t)
  const readersPool = createPool({ connectionString: database.connectionString, maxConnections: 1 })
  const [pool, readers] = [recorded(database.pool), recorded(readersPool)]
  const onError = (error: unknown) => t.fail(String(error))
  const search = await openSearch({
    pool: pool.pool,
    readers: readers.pool,
    log: wholeLog({ list: () => [shard], onAppended: log.onAppended }),
    turns: createTurns({ pool: pool.pool, logId: log.logId, searchKeysOf: searchKeysOfEntry, onError }),
    pollMs: 600_000,
    onError,
  })
  t.teardown(async () => {
    await search.stop()
    await readersPool.end()
  })
  const { searchKeyOf } = await import('@sigstack/rekor-log')
  for (const key of ['one', 'two'].map((name) => searchKeyOf(log.logId, name)))
    await database.pool.query(
      'insert into search_key (key, leaf_index) select $1, i from generate_series(0, 99999) as i',
      [key],
    )
  pool.texts.length = 0
  for (const operator of ['and', 'or'] as const) await search.find([['one'], ['two']], operator, asker)
  const found = await search.page({
    criteria: [['one'], ['two']],
    operator: 'and',
    required: [],
    excluded: [],
    first: 0n,
    end: 100_000n,
    order: 'newest',
    limit: 3,
  })
  t.same(found.leafIndexes, [99_999n, 99_998n, 99_997n])
  t.notOk(pool.texts.some((text) => text.includes('search_key')))
  const walks = readers.texts.filter((text) => text.includes('search_key'))
  t.ok(walks.length > 2)
  for (const text of walks) t.match(text, /limit \d+/, 'each looks at a bounded number of candidates')
})
