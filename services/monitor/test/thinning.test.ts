/** Old heads are thinned out, and whatever proves a fork outlives it. */
import t, { type Test } from 'tap'
import { openMonitor } from './support.ts'
import { newSigner, openTestLog, textLeaves } from './test-log.ts'

const dayMs = 86_400_000

async function open(t: Test) {
  const signer = newSigner()
  const [log, mirror] = [await openTestLog(t, { signer }), await openTestLog(t, { signer })]
  let nowMs = Date.now()
  const monitor = await openMonitor(t, {
    logs: [{ name: 'log', kind: 'rekor-v2', url: log.url, key: log.vkey, views: [mirror.url] }],
    settings: { MONITOR_ALARM_AFTER_SECONDS: '0' },
    start: { rounds: false, now: () => nowMs },
  })
  const { pool } = monitor.database
  const show = async (size: number, ofMirror = textLeaves(size)) => {
    log.show(textLeaves(size))
    mirror.show(ofMirror)
    await monitor.look()
  }
  return {
    show,
    monitor,
    pool,
    /** Heads of these sizes were seen then. */
    date: (sizes: readonly number[], seenAt: string) =>
      pool.query('update monitor_head set seen_at = $2::timestamptz where size = any($1)', [sizes, seenAt]),
    /** With nothing to be seen. */
    lookNextDay: async () => {
      nowMs += dayMs
      for (const each of [log, mirror]) each.fail(500)
      await monitor.look()
      for (const each of [log, mirror]) each.fail(undefined)
    },
    sizes: async () => {
      const { rows } = await pool.query<{ size: bigint }>(
        'select size from monitor_head order by size, root_hash',
      )
      return rows.map(({ size }) => Number(size))
    },
    alarms: async () => {
      const { alarms } = (await monitor.get('/api/v1/alarms?state=open')).body as {
        alarms: { kind: string; detail: { shown?: string; verified?: string } }[]
      }
      return alarms
    },
  }
}

t.test('of old heads the largest of each hour stays, and all of the last thirty days', async (t) => {
  const { show, date, lookNextDay, sizes } = await open(t)
  for (const size of [1, 2, 3, 4, 5, 6, 7, 8, 9]) await show(size)
  await date([1, 2, 3], '2026-01-02T10:10:00Z')
  await date([4, 5, 6], '2026-01-02T11:10:00Z')
  await lookNextDay()
  t.strictSame(await sizes(), [3, 6, 7, 8, 9])
  await lookNextDay()
  t.strictSame(await sizes(), [3, 6, 7, 8, 9], 'and once more changes nothing')
})

t.test('however long ago heads were seen, each of their days is thinned out', async (t) => {
  const { show, date, lookNextDay, sizes } = await open(t)
  for (const size of [1, 2, 3, 4, 5, 6, 7, 8]) await show(size)
  await date([1, 2], '2019-03-31T23:10:00Z')
  await date([3, 4], '2019-04-01T00:10:00Z')
  await date([5, 6, 7], '2026-01-02T23:59:59.999Z')
  await lookNextDay()
  t.strictSame(await sizes(), [2, 4, 7, 8])
})

t.test('the verified head, those that are not judged and each of two roots of a size stay', async (t) => {
  const { show, date, lookNextDay, sizes, pool } = await open(t)
  await show(4)
  await show(5, textLeaves(5, 'fork'))
  for (const size of [6, 7, 8]) await show(size)
  await pool.query(`insert into monitor_head (tree_id, size, root_hash, note, shown_at)
    select tree_id, unnest(array[20, 21]), root_hash, 'of nobody', shown_at from monitor_head where size = 4`)
  // All within an hour, in which the largest is none of them.
  await pool.query(`update monitor_head set size = 30 where size = 7`)
  await date([4, 5, 6, 8, 20, 21, 30], '2026-01-02T10:10:00Z')
  await lookNextDay()
  t.strictSame(await sizes(), [5, 5, 8, 20, 21, 30])
})

t.test('a place is still held to what it has shown, and a fork at a forgotten size is met', async (t) => {
  const { show, date, lookNextDay, sizes, alarms } = await open(t)
  await show(10)
  await show(11, textLeaves(8))
  await show(12, textLeaves(9))
  await show(12, textLeaves(7, 'fork'))
  await date([7, 8, 9, 10, 11, 12], '2026-01-02T10:10:00Z')
  await lookNextDay()
  t.strictSame(await sizes(), [7, 9, 12], 'the largest of each place, and of what does not fit')
  await show(12, textLeaves(11, 'fork'))
  const fork = (await alarms()).find(({ kind }) => kind === 'inconsistent-head')
  t.match(fork?.detail, { shown: /^log\.example\n11\n/, verified: /^log\.example\n12\n/ })
  t.ok((await sizes()).includes(11), 'and kept')
})
