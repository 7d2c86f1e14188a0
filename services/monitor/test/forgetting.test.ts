/** Closed alarms and findings are forgotten in time; what is open, and what shows that a log was rewritten, is not. */
import { inTransaction } from '@sigstack/postgres'
import t, { type Test } from 'tap'
import { openMonitor } from './support.ts'
import { openTestLog, textLeaves } from './test-log.ts'

const dayMs = 86_400_000

async function open(t: Test, settings: Readonly<Record<string, string>> = {}) {
  const log = await openTestLog(t)
  let nowMs = Date.now()
  const monitor = await openMonitor(t, {
    logs: [{ name: 'log', kind: 'rekor-v2', url: log.url, key: log.vkey }],
    watches: [{ name: 'ours', subject: { exact: 'a@example.com' } }],
    settings: { MONITOR_ALARM_AFTER_SECONDS: '0', ...settings },
    start: { rounds: false, now: () => nowMs },
  })
  log.show(textLeaves(3))
  await monitor.look()
  const { pool } = monitor.database
  const idsOf = (rows: unknown) => (rows as { id: string }[]).map(({ id }) => id).reverse()
  return {
    monitor,
    pool,
    log,
    /** Those of {@link raise}, oldest first: whoever comes a day later finds that the log's clock is off. */
    alarms: async () => {
      const { alarms } = (await monitor.get('/api/v1/alarms')).body as { alarms: { kind: string }[] }
      return idsOf(alarms.filter(({ kind }) => kind !== 'clock-drift'))
    },
    findings: async () => idsOf((await monitor.get('/api/v1/findings')).body['findings']),
    /** Met for the last time so many days ago, in one state. */
    raise: async (kind: string, daysAgo: number, state = 'closed') => {
      const { rows } = await pool.query<{ alarm_id: bigint }>(
        `insert into monitor_alarm (kind, matter, severity, summary, detail, state, last_at)
         values ($1, gen_random_uuid(), 'ticket', 'it is wrong', '{}', $3, now() - make_interval(days => $2))
         returning alarm_id`,
        [kind, daysAgo, state],
      )
      return String(rows[0]?.alarm_id)
    },
    /** At as many places of the log as there are numbers, each so many days ago. */
    find: (daysAgo: readonly number[]) =>
      pool.query(
        `insert into monitor_finding (watch_id, tree_id, leaf_index, seen_at, sighting, reasons)
         select watch_id, tree_id, place, now() - make_interval(days => days), '{"time": "2026-01-02T10:10:00Z"}', '{}'
         from monitor_watch, monitor_tree, unnest($1::int[]) with ordinality as each (days, place)`,
        [daysAgo],
      ),
    lookNextDay: () => {
      nowMs += dayMs
      return monitor.look()
    },
  }
}

t.test('an alarm is forgotten a year after it was closed; one that is not closed is not', async (t) => {
  const { raise, alarms, lookNextDay } = await open(t)
  await raise('unreachable', 366)
  const kept = [
    await raise('unreachable', 364),
    await raise('identity-seen', 900, 'open'),
    await raise('identity-seen', 900, 'acknowledged'),
  ]
  await raise('bad-signature', 900)
  await lookNextDay()
  t.strictSame(await alarms(), kept)
})

t.test('what shows that a log has rewritten itself is kept for good', async (t) => {
  const { raise, alarms, lookNextDay, monitor } = await open(t)
  const kept = [
    await raise('inconsistent-head', 9_000),
    await raise('wrong-entries', 9_000),
    await raise('shrunk-tree', 9_000),
  ]
  await raise('backlog', 9_000)
  await lookNextDay()
  t.strictSame(await alarms(), kept)
  t.match(await monitor.get(`/api/v1/alarms/${kept[0]}`), { status: 200 })
})

t.test('an alarm is as old as the last act of somebody, and goes with its acts', async (t) => {
  const { raise, alarms, lookNextDay, monitor, pool } = await open(t)
  const id = await raise('bad-signature', 900, 'open')
  await monitor.send('POST', `/api/v1/alarms/${id}/close`, { by: 'ada', note: 'it was the mirror' })
  await lookNextDay()
  t.strictSame(await alarms(), [id], 'it was met long ago, and closed now')
  await pool.query(`update monitor_act set at = now() - interval '366 days'`)
  await lookNextDay()
  t.strictSame(await alarms(), [])
  t.equal((await pool.query('select from monitor_act')).rowCount, 0)
})

t.test('an alarm that is reopened while it is forgotten stays', async (t) => {
  const { raise, alarms, lookNextDay, pool } = await open(t)
  const id = await raise('unreachable', 900)
  const looked = await inTransaction(pool, async (tx) => {
    await tx.query(`update monitor_alarm set state = 'open' where alarm_id = $1`, [id])
    const { rows } = await tx.query<{ pid: number }>('select pg_backend_pid() as pid')
    const looking = lookNextDay()
    const waiters = 'select from pg_stat_activity where $1 = any(pg_blocking_pids(pid))'
    while ((await pool.query(waiters, [rows[0]?.pid])).rowCount === 0);
    return { looking }
  })
  await looked.looking
  t.strictSame(await alarms(), [id])
})

t.test('an alarm of which somebody is still to be told stays until they were', async (t) => {
  const { raise, alarms, lookNextDay, pool } = await open(t)
  const id = await raise('unreachable', 900)
  await pool.query(`insert into monitor_delivery (channel, alarm_id, event) values ('mail', $1, '{}')`, [id])
  await lookNextDay()
  t.strictSame(await alarms(), [id])
  await pool.query(`update monitor_delivery set state = 'given-up'`)
  await lookNextDay()
  t.strictSame(await alarms(), [])
})

t.test('findings are forgotten after as many days, and what a watch has met is remembered', async (t) => {
  const { find, findings, lookNextDay, pool } = await open(t, { MONITOR_ALARMS_DAYS: '90' })
  await find([91, 89, 0])
  await pool.query(`insert into monitor_workflow select watch_id, 'build', '2020-01-01' from monitor_watch`)
  const [, ...younger] = await findings()
  await lookNextDay()
  t.strictSame(await findings(), younger)
  t.equal((await pool.query('select from monitor_workflow')).rowCount, 1)
})

t.test('however many there are, all that are old are forgotten at once', async (t) => {
  const { find, lookNextDay, pool, alarms } = await open(t)
  await find(Array.from({ length: 2_500 }, (_, at) => (at === 7 ? 1 : 400)))
  await pool.query(
    `insert into monitor_alarm (kind, matter, severity, summary, detail, state, last_at)
     select 'backlog', '', 'ticket', '', '{}', 'closed', now() - interval '400 days' from generate_series(1, 2000)`,
  )
  await lookNextDay()
  t.equal((await pool.query('select from monitor_finding')).rowCount, 1)
  t.strictSame(await alarms(), [])
})

t.test('what cannot be forgotten keeps nobody from looking at the logs', async (t) => {
  const { lookNextDay, pool, find, findings, log, monitor } = await open(t)
  await find([400])
  await pool.query('alter table monitor_act rename to elsewhere')
  log.show(textLeaves(9))
  await lookNextDay()
  await pool.query('alter table elsewhere rename to monitor_act')
  t.match((await monitor.get('/api/v1/logs')).body, { logs: [{ verified: { size: '9' } }] })
  t.strictSame(await findings(), [], 'and nothing else from being forgotten')
})
