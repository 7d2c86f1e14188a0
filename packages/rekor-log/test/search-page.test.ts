import { migrate } from '@sigstack/postgres'
import { testDatabase } from '@sigstack/postgres/testing'
import t from 'tap'
import { findPage } from '../src/search/page.ts'
import { migrations } from '../src/search/store.ts'

t.test('a page costs a bounded number of candidates and says where to go on', async (t) => {
  const { pool } = await testDatabase(t)
  await migrate(pool, migrations)
  // Two frequent keys of which only the oldest entry has both: 100,000 rows without their entries.
  await pool.query(`insert into search_key (key, leaf_index) select 1, i from generate_series(0, 99999) as i`)
  await pool.query(
    `insert into search_key (key, leaf_index) select 2, i from generate_series(100000, 199999) as i`,
  )
  await pool.query('insert into search_key (key, leaf_index) values (2, 0)')
  const common = {
    operator: 'and',
    required: [],
    excluded: [],
    order: 'newest',
    limit: 10,
    first: 0n,
  } as const
  let end = 200_000n
  const pages: number[] = []
  for (;;) {
    const page = await findPage(pool, 'search_key', { ...common, criteria: [[1n], [2n]], end }, 200_000n)
    pages.push(page.leafIndexes.length)
    if (page.next === undefined) {
      t.same(page.leafIndexes, [0n])
      break
    }
    t.ok(page.next < end, 'it goes on')
    end = page.next
  }
  t.ok(pages.length > 1 && pages.length < 10, `${pages.length} pages`)
})

t.test('pages of entries under any of several keys tell each once and in order', async (t) => {
  const { pool } = await testDatabase(t)
  await migrate(pool, migrations)
  const keys = [1n, 2n, 3n]
  for (const key of keys)
    await pool.query(
      'insert into search_key (key, leaf_index) select $1::bigint, i from generate_series(0, 199) as i where i % ($1::bigint + 1) = 0',
      [key],
    )
  const all = Array.from({ length: 200 }, (_, i) => BigInt(i)).filter((i) =>
    keys.some((key) => i % (key + 1n) === 0n),
  )
  const common = { operator: 'or', required: [], excluded: [], limit: 7 } as const
  for (const order of ['oldest', 'newest'] as const) {
    const told: bigint[] = []
    let [first, end] = [0n, 200n]
    for (;;) {
      const query = { ...common, order, criteria: keys.map((key) => [key]), first, end }
      const { leafIndexes, next } = await findPage(pool, 'search_key', query, 200n)
      told.push(...leafIndexes)
      if (next === undefined) break
      if (order === 'oldest') first = next
      else end = next
    }
    t.same(told, order === 'oldest' ? all : all.toReversed(), order)
  }
})
