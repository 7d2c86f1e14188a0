/** Following: a log that grows is read to its last leaf, and one that shows two histories is caught. */
import { readFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { parseLogs } from '../src/following/logs-file.ts'
import { openMonitor, type TestMonitor } from './support.ts'
import { newSigner, openTestLog, type TestLog, textLeaves } from './test-log.ts'

/** By hand: no round is made by itself, and what passes is an alarm at once. */
const byHand = { start: { rounds: false }, settings: { MONITOR_ALARM_AFTER_SECONDS: '0' } } as const

type Opened = { readonly log: TestLog; readonly monitor: TestMonitor }

const dialects: Readonly<Record<string, (t: Test) => Promise<{ log: TestLog; entry: object }>>> = {
  'Rekor v2 by tiles': async (t) => {
    const log = await openTestLog(t)
    return { log, entry: { kind: 'rekor-v2', url: log.url, key: log.vkey } }
  },
  'Rekor v1 by tiles': async (t) => {
    const log = await openTestLog(t, { dialect: 'rekor-v1', signer: newSigner('ecdsa') })
    return { log, entry: { kind: 'rekor-v1', url: log.url, key: log.publicKeyPem } }
  },
  'Rekor v1 by its API': async (t) => {
    const log = await openTestLog(t, { dialect: 'rekor-v1', signer: newSigner('ecdsa') })
    return { log, entry: { kind: 'rekor-v1', read: 'api', url: log.url, key: log.publicKeyPem } }
  },
  'CT by tiles': async (t) => {
    const log = await openTestLog(t, { signer: newSigner('ecdsa') })
    return { log, entry: { kind: 'ct', url: log.url, key: log.publicKeyPem } }
  },
  'CT by RFC 6962': async (t) => {
    const log = await openTestLog(t, { signer: newSigner('ecdsa') })
    return { log, entry: { kind: 'ct', read: 'api', url: log.url, key: log.publicKeyPem } }
  },
}

async function open(t: Test): Promise<Opened> {
  const log = await openTestLog(t)
  const logs = [{ name: 'log', kind: 'rekor-v2', url: log.url, key: log.vkey }]
  return { log, monitor: await openMonitor(t, { logs, ...byHand }) }
}

async function statusOf(monitor: TestMonitor) {
  const { logs } = (await monitor.get('/api/v1/logs')).body as {
    logs: { state: string; verified: { size: string }; reached: string; newest?: { size: string } }[]
  }
  const [status] = logs
  return {
    state: status?.state,
    verified: status?.verified.size,
    reached: status?.reached,
    newest: status?.newest?.size,
  }
}

async function alarmsOf(monitor: TestMonitor, state = 'open') {
  const { alarms } = (await monitor.get(`/api/v1/alarms?state=${state}`)).body as {
    alarms: { kind: string; times: number; detail: Record<string, unknown>; summary: string }[]
  }
  return alarms
}

const kindsOf = async (monitor: TestMonitor) => (await alarmsOf(monitor)).map(({ kind }) => kind).sort()

for (const [name, openDialect] of Object.entries(dialects)) {
  t.test(`${name}: read as it grows, and caught when it was rewritten with its own key`, async (t) => {
    const { log, entry } = await openDialect(t)
    const monitor = await openMonitor(t, { logs: [{ name: 'log', ...entry }], ...byHand })
    for (const size of [0, 1, 256, 300]) {
      log.show(textLeaves(size))
      await monitor.look()
      const read = String(size)
      const wanted = { state: 'following', verified: read, reached: read, newest: read }
      t.strictSame(await statusOf(monitor), wanted)
    }
    t.strictSame(await alarmsOf(monitor), [])

    // Same key, same origin, larger: nothing in the log itself tells that its first 300 leaves were others.
    const [first, ...rest] = textLeaves(400)
    t.ok(first)
    log.show([...textLeaves(1, 'other'), ...rest])
    await monitor.look()
    await monitor.look()
    t.strictSame(await kindsOf(monitor), ['inconsistent-head'])
    t.match(await alarmsOf(monitor), [
      { times: 1, detail: { verifiedSize: '300' }, summary: /400 entries.*300 entries/ },
    ])
    t.strictSame(await statusOf(monitor), {
      state: 'inconsistent',
      verified: '300',
      reached: '300',
      newest: '400',
    })
  })
}

t.test('a log that shows two heads of one size is caught, whichever comes first', async (t) => {
  const { log, monitor } = await open(t)
  log.show(textLeaves(10))
  await monitor.look()
  log.show([...textLeaves(9), ...textLeaves(1, 'other')])
  await monitor.look()
  t.match(await alarmsOf(monitor), [{ kind: 'inconsistent-head', detail: { why: 'one size has two roots' } }])
  // The history that was there first is followed further.
  log.show(textLeaves(12))
  await monitor.look()
  t.match(await statusOf(monitor), { verified: '12' })
})

t.test('a fork that is shown elsewhere is caught, smaller, equal and larger', async (t) => {
  const signer = newSigner()
  const [log, mirror] = [await openTestLog(t, { signer }), await openTestLog(t, { signer })]
  const logs = [{ name: 'log', kind: 'rekor-v2', url: log.url, key: log.vkey, views: [mirror.url] }]
  for (const size of [5, 20, 30]) {
    const monitor = await openMonitor(t, { logs, ...byHand })
    log.show(textLeaves(20))
    mirror.show(textLeaves(15))
    await monitor.look()
    t.strictSame(await kindsOf(monitor), [], 'a mirror may be behind')
    mirror.show(textLeaves(size, 'fork'))
    await monitor.look()
    // Of a larger head the log can prove nothing before it has that many entries itself.
    log.show(textLeaves(40))
    await monitor.look()
    t.ok((await kindsOf(monitor)).includes('inconsistent-head'), `${size} entries`)
    t.match(await statusOf(monitor), { state: 'inconsistent', verified: '40' })
  }
})

t.test('two heads of one size are caught where the log proves nothing and gives no entries', async (t) => {
  const signer = newSigner()
  const [log, mirror] = [await openTestLog(t, { signer }), await openTestLog(t, { signer })]
  const logs = [{ name: 'log', kind: 'rekor-v2', url: log.url, key: log.vkey, views: [mirror.url] }]
  const monitor = await openMonitor(t, { logs, ...byHand })
  log.show(textLeaves(5))
  mirror.show(textLeaves(5))
  await monitor.look()
  log.giveNothing()
  log.show(textLeaves(20))
  mirror.show(textLeaves(20, 'fork'))
  await monitor.look()
  await monitor.look()
  const found = (await alarmsOf(monitor)).find(({ kind }) => kind === 'inconsistent-head')
  t.match(found, {
    times: 1,
    detail: { why: 'one size has two roots', shownAt: mirror.url, shown: /^log\.example\n20\n/ },
  })
  t.match(found?.detail['verified'], /^log\.example\n20\n/)
  t.match(await statusOf(monitor), { state: 'inconsistent', verified: '5' })
})

t.test('a head that has no place in the memory keeps nobody from looking elsewhere', async (t) => {
  const signer = newSigner()
  const [log, mirror] = [await openTestLog(t, { signer }), await openTestLog(t, { signer })]
  const logs = [{ name: 'log', kind: 'rekor-v2', url: log.url, key: log.vkey, views: [mirror.url] }]
  const monitor = await openMonitor(t, { logs, ...byHand })
  log.show(textLeaves(5))
  mirror.show(textLeaves(5))
  await monitor.look()
  mirror.show(textLeaves(3, 'fork'))
  for (const tale of [
    { size: 2n ** 63n },
    { origin: 'o'.repeat(1_001) },
    { extensionLines: Array.from({ length: 200 }, () => 'x'.repeat(1_000)) },
  ]) {
    log.tell(tale)
    await monitor.look()
    const [unreachable] = (await alarmsOf(monitor)).filter(({ kind }) => kind === 'unreachable')
    t.match(unreachable, { detail: { where: new RegExp(log.url), reason: /cannot be used/ } })
  }
  t.ok((await kindsOf(monitor)).includes('inconsistent-head'), 'the fork elsewhere is met')
})

t.test('what is remembered outlives the process, and a rewrite while nobody looked is caught', async (t) => {
  const { log, monitor } = await open(t)
  log.show(textLeaves(600))
  await monitor.look()
  await monitor.stop()
  log.show([...textLeaves(599), ...textLeaves(500, 'other')])
  const logs = [{ name: 'log', kind: 'rekor-v2', url: log.url, key: log.vkey }]
  const again = await openMonitor(t, { logs, ...byHand, database: monitor.database })
  await again.look()
  t.strictSame(await kindsOf(again), ['inconsistent-head'])
})

/** Each piece of leaves takes longer than a round may. */
async function openSlow(t: Test) {
  let nowMs = Date.now()
  const log = await openTestLog(t)
  const logs = [{ name: 'log', kind: 'rekor-v2', url: log.url, key: log.vkey }]
  const settings = { MONITOR_READ_SHARE_PERCENT: '50' }
  const start = { rounds: false, now: () => (nowMs += 40_000) }
  const monitor = await openMonitor(t, { logs, settings, start })
  return { log, monitor, again: () => openMonitor(t, { logs, settings, start, database: monitor.database }) }
}

t.test('what there was no time to read is read from there on, by another process too', async (t) => {
  const { log, monitor, again } = await openSlow(t)
  log.show(textLeaves(1_000))
  t.equal(await monitor.look(), true)
  t.match(await statusOf(monitor), { state: 'behind', verified: '0', reached: '256', newest: '1000' })
  await monitor.stop()
  const next = await again()
  let rounds = 1
  while (await next.look()) rounds++
  t.equal(rounds, 3, 'the first piece is not read again')
  t.match(await statusOf(next), { state: 'following', verified: '1000' })
})

t.test('a log that is rewritten while it is read for the first time is caught', async (t) => {
  const { log, monitor } = await openSlow(t)
  log.show(textLeaves(1_000))
  t.equal(await monitor.look(), true)
  log.show([...textLeaves(1, 'other'), ...textLeaves(1_200).slice(1)])
  while (await monitor.look());
  await monitor.look()
  const kinds = await kindsOf(monitor)
  t.ok(kinds.includes('wrong-entries') || kinds.includes('inconsistent-head'), kinds.join())
  t.not((await statusOf(monitor)).state, 'following')
})

t.test('a log that went back to an older state is told of, and is no fork', async (t) => {
  const { log, monitor } = await open(t)
  log.show(textLeaves(20))
  await monitor.look()
  log.show(textLeaves(12))
  await monitor.look()
  // It cannot prove either that what it shows now is a part of what it showed.
  t.strictSame(await kindsOf(monitor), ['shrunk-tree', 'unreachable'])
  t.match(await statusOf(monitor), { state: 'following', verified: '20' })
  log.show(textLeaves(25))
  await monitor.look()
  t.strictSame(await kindsOf(monitor), ['shrunk-tree'])
  t.match(await statusOf(monitor), { state: 'following', verified: '25' })
})

t.test('entries that the head does not commit to are caught, and read again', async (t) => {
  const { log, monitor } = await open(t)
  log.show(textLeaves(300))
  log.give([...textLeaves(299), ...textLeaves(1, 'other')])
  await monitor.look()
  t.ok((await kindsOf(monitor)).includes('wrong-entries'))
  t.match(await statusOf(monitor), { state: 'behind', verified: '0' })
  log.give(undefined)
  await monitor.look()
  t.match(await statusOf(monitor), { state: 'following', verified: '300' })
})

t.test('a head that another key has signed is not believed', async (t) => {
  const { log, monitor } = await open(t)
  log.show(textLeaves(3))
  await monitor.look()
  log.show(textLeaves(4))
  log.signWith(newSigner())
  await monitor.look()
  t.match(await alarmsOf(monitor), [{ kind: 'bad-signature', detail: { shown: /^log\.example\n4\n/ } }])
  t.match(await statusOf(monitor), { verified: '3', newest: '3' })
})

t.test('a log that does not answer is an alarm until it does', async (t) => {
  const { log, monitor } = await open(t)
  log.show(textLeaves(3))
  log.fail(500)
  await monitor.look()
  t.strictSame(await kindsOf(monitor), ['unreachable'])
  log.fail(undefined)
  await monitor.look()
  t.strictSame(await kindsOf(monitor), [])
  const [closed] = await alarmsOf(monitor, 'closed')
  t.match(closed, { kind: 'unreachable' })
})

t.test('a log that is not looked at for a fault of the monitor is an alarm until it is', async (t) => {
  const { log, monitor } = await open(t)
  log.show(textLeaves(3))
  const { pool } = monitor.database
  await pool.query('alter table monitor_head rename to elsewhere')
  await monitor.look()
  t.match(await alarmsOf(monitor), [{ kind: 'unreachable', detail: { where: 'the monitor' } }])
  await pool.query('alter table elsewhere rename to monitor_head')
  await monitor.look()
  t.strictSame(await alarmsOf(monitor), [])
  t.match(await statusOf(monitor), { verified: '3' })
})

t.test('heads that cannot be judged take a log no more than its round', async (t) => {
  const log = await openTestLog(t)
  let nowMs = Date.parse('2026-03-04T10:00:00Z')
  let stepMs = 0
  const monitor = await openMonitor(t, {
    logs: [{ name: 'log', kind: 'rekor-v2', url: log.url, key: log.vkey }],
    ...byHand,
    start: { rounds: false, now: () => (nowMs += stepMs) },
  })
  log.give([])
  const heads = 9
  for (let size = 1; size <= heads; size++) {
    log.show(textLeaves(size))
    await monitor.look()
  }
  const askedFor = () => new Set(log.asked.filter((path) => path.startsWith('/tile/entries')))
  t.ok(askedFor().size >= heads)
  log.asked.length = 0
  stepMs = 10_000
  t.equal(await monitor.look(), true, 'there is more to be done')
  const [first, ...others] = askedFor()
  t.ok(first, 'one is tried at the least')
  t.ok(others.length < heads - 1, 'not all are')
})

t.test('a log whose key nobody knows is not followed, and told of', async (t) => {
  const log = await openTestLog(t)
  log.show(textLeaves(3))
  const monitor = await openMonitor(t, { logs: [{ name: 'log', kind: 'rekor-v2', url: log.url }], ...byHand })
  await monitor.look()
  t.match(await alarmsOf(monitor), [{ kind: 'unreachable', summary: /no key of log is known/ }])
})

t.test('a list of logs with a fault says where', async (t) => {
  for (const [entry, reason] of [
    [{ name: 'a b', kind: 'ct', url: 'http://a' }, /logs\[0\]: name must/],
    [{ name: 'a', kind: 'rekor-v3', url: 'http://a' }, /kind must be one of/],
    [{ name: 'a', kind: 'ct', url: 'ftp://a' }, /url must be an http/],
    [{ name: 'a', kind: 'ct', url: 'http://u:p@a' }, /password/],
    [{ name: 'a', kind: 'ct', url: 'http://a', key: 'x' }, /key: /],
    [{ name: 'a', kind: 'rekor-v1', url: 'http://a', views: ['http://b'] }, /views .* not of rekor-v1/],
    [{ name: 'a', kind: 'ct', url: 'http://a', colour: 'red' }, /no member "colour"/],
  ] as const)
    t.throws(() => parseLogs(JSON.stringify({ logs: [entry] })), { code: 'bad_file', message: reason })
  t.throws(() => parseLogs('logs: ['), { code: 'bad_file' })
  t.throws(() => parseLogs('a: &a [b]\nlogs: *a'), { code: 'bad_file' })
  t.strictSame(parseLogs(''), [])
  const shipped = readFileSync(new URL('../../../deploy/compose/monitor-logs.yaml', import.meta.url), 'utf8')
  t.match(parseLogs(shipped), [{ name: 'rekor' }, { name: 'rekor-v2' }, { name: 'ct' }])
})
