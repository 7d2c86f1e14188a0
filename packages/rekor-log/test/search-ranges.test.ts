/** Search keys in ranges: how a table comes to them, how it grows, and that searches go through all of them. */
import type { Pool } from '@sigstack/postgres'
import { testDatabase } from '@sigstack/postgres/testing'
import t, { type Test } from 'tap'
import { firstUnder } from '../src/search/first-under.ts'
import { findPage } from '../src/search/page.ts'
import { entriesPerRange } from '../src/search/ranges.ts'
import { advance, ensurePosition, migrateSearch, readPosition } from '../src/search/store.ts'

const logId = new Uint8Array(32)
const log = { name: 'rekor-v1', logId } as const
const table = 'search_key'

async function emptyIndex(t: Test): Promise<Pool> {
  const { pool } = await testDatabase(t)
  await migrateSearch(pool, log)
  await ensurePosition(pool, logId)
  return pool
}

/** As a release made it that knew of no ranges, with one row and indexed as far as that. */
async function makeWhole(pool: Pool, nextIndex: bigint): Promise<void> {
  await pool.query(
    `drop table ${table};
     create table ${table} (
       key        bigint not null,
       leaf_index bigint not null check (leaf_index >= 0),
       primary key (key, leaf_index)
     )`,
  )
  await pool.query(`insert into ${table} values (7, $1)`, [nextIndex - 1n])
  await moveTo(pool, nextIndex)
}

async function moveTo(pool: Pool, nextIndex: bigint): Promise<void> {
  await pool.query('update search_position set next_index = $1', [nextIndex])
}

async function rangesOf(pool: Pool): Promise<readonly string[]> {
  const { rows } = await pool.query<{ range: string }>(
    `select relname || ' ' || pg_get_expr(relpartbound, oid) as range
       from pg_class join pg_inherits on inhrelid = oid
      where inhparent = '${table}'::regclass and relkind = 'r' order by oid`,
  )
  return rows.map(({ range }) => range)
}

/** What the follower does with `count` entries, each under the key 7. */
async function index(pool: Pool, count: number): Promise<void> {
  await advance(pool, { logId, table }, async (from) =>
    Array.from({ length: count }, (_, i) => ({ leafIndex: from + BigInt(i), keys: [7n] })),
  )
}

const first = (from: bigint, to: bigint, name = from / entriesPerRange) =>
  `search_key_r${name} FOR VALUES FROM ('${from}') TO ('${to}')`

t.test('an index begins with one range and gets the next when half of it is filled', async (t) => {
  const pool = await emptyIndex(t)
  t.same(await rangesOf(pool), [first(0n, entriesPerRange)])
  await moveTo(pool, entriesPerRange / 2n - 3n)
  await index(pool, 5)
  t.equal((await rangesOf(pool)).length, 1)
  await index(pool, 5)
  const two = [first(0n, entriesPerRange), first(entriesPerRange, 2n * entriesPerRange)]
  t.same(await rangesOf(pool), two)
  await moveTo(pool, entriesPerRange - 2n)
  await index(pool, 5)
  t.same(await rangesOf(pool), two)
  const { rows } = await pool.query<{ count: bigint }>('select count(*) from search_key_r1')
  t.equal(rows[0]?.count, 3n, 'a turn may end in another range than it begins')
})

t.test('a turn that breaks off leaves neither range nor position', async (t) => {
  const pool = await emptyIndex(t)
  await moveTo(pool, entriesPerRange / 2n)
  await t.rejects(
    advance(pool, { logId, table }, async (from) => [
      { leafIndex: from, keys: [7n] },
      // No entry has this place, so the row is refused.
      { leafIndex: -1n, keys: [7n] },
    ]),
  )
  t.equal((await rangesOf(pool)).length, 1)
  t.equal(await readPosition(pool, logId), entriesPerRange / 2n)
  await index(pool, 1)
  t.equal((await rangesOf(pool)).length, 2)
})

t.test('a whole table becomes the first range, however far it goes, and grows on', async (t) => {
  for (const [nextIndex, ranges] of [
    [1n, 1n],
    [entriesPerRange / 2n, 2n],
    [entriesPerRange * 5n + 1n, 6n],
  ] as const) {
    const pool = await emptyIndex(t)
    await makeWhole(pool, nextIndex)
    await Promise.all(Array.from({ length: 3 }, () => migrateSearch(pool, log)))
    const old = first(0n, ranges * entriesPerRange, ranges - 1n)
    t.same(await rangesOf(pool), [old])
    t.same((await pool.query(`select * from ${table}`)).rows, [{ key: 7n, leaf_index: nextIndex - 1n }])
    await index(pool, 5)
    t.same(await rangesOf(pool), [old])
    await moveTo(pool, ranges * entriesPerRange - 3n)
    await index(pool, 5)
    t.same(await rangesOf(pool), [old, first(ranges * entriesPerRange, (ranges + 1n) * entriesPerRange)])
    const page = await findPage(pool, table, { ...everything, criteria: [[7n]], limit: 100 }, 0n)
    t.equal(page.leafIndexes.length, 11)
  }
})

t.test('a crash between the steps of it, a reader that stays, and rows that cannot be', async (t) => {
  const pool = await emptyIndex(t)
  const bound = `alter table ${table} add constraint ${table}_bound check (leaf_index < ${entriesPerRange}) not valid`
  await makeWhole(pool, 5n)
  await pool.query(bound)
  await migrateSearch(pool, log)
  t.same(await rangesOf(pool), [first(0n, entriesPerRange)], 'bounded, and not looked through')

  await makeWhole(pool, 5n)
  await pool.query(`${bound}; alter table ${table} validate constraint ${table}_bound`)
  await migrateSearch(pool, log)
  t.same(await rangesOf(pool), [first(0n, entriesPerRange)], 'looked through, and not exchanged')

  await makeWhole(pool, 5n)
  const reader = await pool.connect()
  await reader.query(`begin; select from ${table}`)
  await migrateSearch(pool, log)
  t.same(await rangesOf(pool), [], 'it is read by another')
  await index(pool, 5)
  await reader.query('rollback')
  reader.release()
  await migrateSearch(pool, log)
  t.same(await rangesOf(pool), [first(0n, entriesPerRange)])

  await makeWhole(pool, 5n)
  await pool.query(`insert into ${table} values (7, $1)`, [entriesPerRange])
  await migrateSearch(pool, log)
  await moveTo(pool, entriesPerRange)
  await index(pool, 5)
  t.same(await rangesOf(pool), [], 'it has a row of no entry, and takes those that come')
})

const everything = {
  operator: 'and',
  required: [],
  excluded: [],
  first: 0n,
  end: 2n ** 63n - 1n,
  order: 'newest',
} as const

t.test('searches go through all ranges in their order, some at a time', async (t) => {
  const pool = await emptyIndex(t)
  /** Three windows of ranges, the last not full. */
  const length = 20n * entriesPerRange
  for (let at = 0n; at < length; at += entriesPerRange / 2n) {
    await moveTo(pool, at)
    await index(pool, 1)
  }
  const places = Array.from({ length: 40 }, (_, i) => (BigInt(i) * entriesPerRange) / 2n)
  // Beside the key of all: one of every third, and one of two that lie far apart.
  await pool.query(
    `insert into ${table} select 3, place from unnest($1::bigint[]) as place
     union all select 2, place from unnest($2::bigint[]) as place`,
    [places.filter((_, i) => i % 3 === 0), [places[0], places[39]]],
  )
  for (const known of [0n, 1n, entriesPerRange * 8n, length - 1n, length, length * 9n]) {
    const all = async (order: 'newest' | 'oldest', more: object = {}) => {
      const query = { ...everything, criteria: [[7n]], order, limit: 100, ...more }
      const { leafIndexes, next } = await findPage(pool, table, query, known)
      t.equal(next, undefined)
      return order === 'newest' ? leafIndexes.toReversed() : leafIndexes
    }
    for (const order of ['newest', 'oldest'] as const) {
      const thirds = places.filter((_, i) => i % 3 === 0)
      t.same(await all(order), places, `${order}, ${known}`)
      t.same(await all(order, { criteria: [[2n]] }), [places[0], places[39]])
      t.same(await all(order, { criteria: [[7n], [3n]] }), thirds)
      t.same(
        await all(order, { required: [[3n]], excluded: [2n] }),
        thirds.filter((place) => place !== 0n && place !== places[39]),
      )
      const [from, to] = [places[5], places[30]]
      t.same(await all(order, { first: from, end: to }), places.slice(5, 30))
    }
    t.same(await firstUnder(pool, table, [2n, 3n], { limit: 100, length: known }), [
      ...new Set([...places.filter((_, i) => i % 3 === 0), places[39]]),
    ])
    t.same(await firstUnder(pool, table, [7n], { limit: 18, length: known }), places.slice(0, 18))
    t.same(await pagesOf(pool, known, 'newest'), places.toReversed())
    t.same(await pagesOf(pool, known, 'oldest'), places)
  }
})

async function pagesOf(pool: Pool, known: bigint, order: 'newest' | 'oldest'): Promise<readonly bigint[]> {
  const found: bigint[] = []
  let range: { first: bigint; end: bigint } = everything
  for (;;) {
    const query = { ...everything, ...range, criteria: [[7n]], order, limit: 4 }
    const { leafIndexes, next } = await findPage(pool, table, query, known)
    found.push(...leafIndexes)
    if (next === undefined) return found
    range = order === 'newest' ? { ...range, end: next } : { ...range, first: next }
  }
}

t.test('a search locks the ranges that it comes to, and no others', async (t) => {
  const pool = await emptyIndex(t)
  const length = 20n * entriesPerRange
  for (let at = 0n; at < length; at += entriesPerRange / 2n) {
    await moveTo(pool, at)
    await index(pool, 1)
  }
  const client = await pool.connect()
  await client.query('begin')
  await findPage(client, table, { ...everything, criteria: [[7n]], limit: 3 }, length)
  const { rows } = await client.query<{ relname: string }>(
    `select relname from pg_locks join pg_class on oid = relation where pid = pg_backend_pid() and relname ~ '^search_key_r\\d+$'`,
  )
  await client.query('rollback')
  client.release()
  t.same(
    rows.map(({ relname }) => relname).toSorted(),
    [16, 17, 18, 19, 20].map((range) => `search_key_r${range}`),
  )
})
