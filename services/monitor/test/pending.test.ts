/** Heads that a log does not prove are bounded, whatever it signs; the first, the last and what proves a fork stay. */
import { emptyTree } from '@sigstack/merkle'
import { migrate } from '@sigstack/postgres'
import { testDatabase } from '@sigstack/postgres/testing'
import t, { type Test } from 'tap'
import { mostPending, thinPending } from '../src/following/thin-pending.ts'
import { judgeHead } from '../src/following/tree-store.ts'
import { openMonitor } from './support.ts'
import { newSigner, openTestLog, treeId as shard, textLeaves } from './test-log.ts'

const never = new AbortController().signal

async function open(t: Test) {
  const { pool } = await testDatabase(t)
  const directory = new URL('../src/migrations/', import.meta.url)
  await migrate(pool, { component: 'monitor', directory })
  const { rows } = await pool.query<{ tree_id: bigint }>(
    `insert into monitor_tree (log_name, kind, url, root_hash, edge, reached_edge)
     values ('log', 'ct', 'https://ct.example', sha256(''), '', '') returning tree_id`,
  )
  const treeId = rows[0]?.tree_id ?? 0n
  return {
    pool,
    treeId,
    /** Of these sizes, shown one after the other. */
    keep: (sizes: readonly number[], { root = 'root', verdict = 'pending', day = 2 } = {}) =>
      pool.query(
        `insert into monitor_head (tree_id, size, root_hash, note, shown_at, seen_at, verdict)
         select $1, size, sha256(convert_to($3, 'UTF8')), 'of nobody', 'https://ct.example',
           make_timestamptz(2026, 1, $5, 10, 10, 0) + make_interval(secs => turn), $4
         from unnest($2::int[]) with ordinality as each (size, turn)`,
        [treeId, sizes, root, verdict, day],
      ),
    thin: (most: number) => thinPending(pool, treeId, most, never),
    sizes: async (verdict = 'pending') => {
      const { rows } = await pool.query<{ size: bigint }>(
        'select size from monitor_head where verdict = $1 order by size, root_hash',
        [verdict],
      )
      return rows.map(({ size }) => Number(size))
    },
  }
}

const upTo = (last: number, first = 1) => Array.from({ length: last - first + 1 }, (_, at) => at + first)

t.test('every second one goes until there are few enough, and none before', async (t) => {
  const { keep, thin, sizes } = await open(t)
  await keep(upTo(20))
  t.equal(await thin(20), 0)
  t.equal((await sizes()).length, 20)
  t.equal(await thin(19), 9)
  t.strictSame(await sizes(), [1, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20])
  t.equal(await thin(10), 4)
  t.strictSame(await sizes(), [1, 2, 6, 10, 14, 18, 20])
})

t.test('what was shown first and last stays, and the largest', async (t) => {
  const { keep, thin, sizes } = await open(t)
  // The largest early on, and the last in the middle.
  await keep([50, 900, ...upTo(40), ...upTo(99, 60), 55])
  await thin(10)
  const left = await sizes()
  t.ok(left.length <= 10, left.join())
  for (const size of [50, 55, 900]) t.ok(left.includes(size), `${size} of ${left.join()}`)
})

t.test('sizes of which two roots were shown stay, but not without end', async (t) => {
  const { keep, thin, sizes } = await open(t)
  await keep(upTo(200))
  await keep([40, 42, 44], { root: 'fork', verdict: 'inconsistent' })
  await thin(20)
  for (const size of [40, 42, 44]) t.ok((await sizes()).includes(size), `${size}`)
  t.strictSame(await sizes('inconsistent'), [40, 42, 44])
  await keep(upTo(399, 300), { day: 3 })
  await keep(upTo(399, 300), { day: 3, root: 'fork' })
  await thin(20)
  const left = await sizes()
  t.ok(left.length <= 20, `${left.length}`)
  t.ok([40, 42, 44].every((size) => left.includes(size)))
  t.ok(left.filter((size, at) => left[at + 1] === size).length > 1, 'and the first of more forks')
})

t.test('however many there are, it ends, evenly, and judged ones are left alone', async (t) => {
  const { keep, thin, sizes } = await open(t)
  await keep(upTo(5_000))
  await keep(upTo(7_000, 6_900), { verdict: 'consistent' })
  await thin(100)
  const left = await sizes()
  t.ok(left.length <= 100 && left.length > 50, `${left.length}`)
  const gaps = left.map((size, at) => size - (left[at - 1] ?? 0))
  t.ok(Math.max(...gaps) <= 200, 'nowhere much is missing')
  t.equal((await sizes('consistent')).length, 101)
})

t.test('a head that another process has given up meanwhile is judged still, once', async (t) => {
  const { pool, treeId, sizes } = await open(t)
  const head = { size: 7n, rootHash: emptyTree.rootHash, note: 'of the log', shownAt: 'https://ct.example' }
  t.equal(await judgeHead(pool, treeId, head, 'inconsistent'), true)
  t.equal(await judgeHead(pool, treeId, head, 'inconsistent'), false)
  t.equal(await judgeHead(pool, treeId, head, 'consistent'), false)
  t.strictSame(await sizes('inconsistent'), [7])
})

t.test('the trees of a log share what is kept', (t) => {
  t.equal(mostPending(1), 1_000)
  t.equal(mostPending(4), 250)
  t.equal(mostPending(1_000), 10)
  t.end()
})

t.test('a log that proves nothing is told of once, and followed further when it does', async (t) => {
  const signer = newSigner('ecdsa')
  const log = await openTestLog(t, { dialect: 'rekor-v1', signer })
  const monitor = await openMonitor(t, {
    logs: [{ name: 'log', kind: 'rekor-v1', url: log.url, key: log.publicKeyPem }],
    settings: { MONITOR_ALARM_AFTER_SECONDS: '0' },
    start: { rounds: false },
  })
  const { pool } = monitor.database
  // Shards that the log tells of no more, so that this one has few heads.
  await pool.query(
    `insert into monitor_tree (log_name, shard, kind, url, root_hash, edge, reached_edge)
     select 'log', shard, 'rekor-v1', $1, sha256(''), '', '' from generate_series(1, 99) as shard`,
    [log.url],
  )
  log.give([])
  const waiting = async () => {
    const { rows } = await pool.query<{ size: bigint }>(
      `select h.size from monitor_head h join monitor_tree t using (tree_id)
       where shard = $1 and verdict = 'pending' order by h.size`,
      [shard],
    )
    return rows.map(({ size }) => Number(size))
  }
  const told = async () => {
    const { alarms } = (await monitor.get('/api/v1/alarms?kind=unproven-heads')).body as {
      alarms: { times: number; severity: string }[]
    }
    return alarms
  }
  const show = async (size: number) => {
    log.show(textLeaves(size))
    await monitor.look()
  }
  for (const size of upTo(10)) await show(size)
  t.strictSame(await told(), [])
  t.strictSame(await waiting(), upTo(10))
  for (const size of upTo(16, 11)) await show(size)
  const left = await waiting()
  t.ok(left.length <= 10, left.join())
  t.strictSame([left.at(0), left.at(-1)], [1, 16])
  const [alarm, ...others] = await told()
  t.match(alarm, { severity: 'ticket', summary: /log has signed more than 10 heads/ })
  t.equal(alarm?.times, 2)
  t.strictSame(others, [])
  log.give(undefined)
  await show(17)
  t.strictSame(await waiting(), [])
})
