/** Watching: whose entries are found, in which log, and which of them are alarms. */
import { encodePublicKeyPem, sha256Hex, utf8 } from '@sigstack/crypto'
import t, { type Test } from 'tap'
import { parseWatches } from '../src/watching/watches-file.ts'
import { type Authority, openAuthority, pemOf, precertificateLeaf, rekorEntry } from './entries.ts'
import { openMonitor, type TestMonitor } from './support.ts'
import { newSigner, openTestLog, type TestLog } from './test-log.ts'

const workday = new Date('2026-03-04T10:00:00Z')
const night = new Date('2026-03-05T02:00:00Z')
const issuer = 'https://token.actions.githubusercontent.com'
const repository = 'https://github.com/example/app'
const workflow = `${repository}/.github/workflows/release.yml@refs/heads/main`

const authority = await openAuthority()

async function job(from: Authority, options: { uri?: string; at?: Date; repository?: string } = {}) {
  const { uri = workflow, at = workday } = options
  const claims = { issuer, buildSignerUri: uri, sourceRepositoryUri: options.repository ?? repository }
  return from.issue({ san: { type: 'uri', value: uri }, claims, at })
}

async function person(from: Authority, email: string) {
  const san = { type: 'email', value: email } as const
  return from.issue({ san, claims: { issuer: 'https://accounts.example' }, at: workday })
}

async function open(t: Test, watches: readonly object[]) {
  const log = await openTestLog(t)
  const ct = await openTestLog(t, { signer: newSigner('ecdsa') })
  const logs = [
    { name: 'rekor', kind: 'rekor-v2', url: log.url, key: log.vkey },
    { name: 'ct', kind: 'ct', url: ct.url, key: ct.publicKeyPem },
  ]
  const monitor = await openMonitor(t, { logs, watches, start: { rounds: false } })
  return { log, ct, monitor }
}

type Finding = { watch: string; leafIndex: string; kind: string; subjects: string[]; reasons: string[] }

async function findingsOf(monitor: TestMonitor) {
  const { watches } = (await monitor.get('/api/v1/watches')).body as {
    watches: { id: string; name: string }[]
  }
  const names = new Map(watches.map(({ id, name }) => [id, name]))
  const { findings } = (await monitor.get('/api/v1/findings')).body as { findings: Finding[] }
  return findings.map((each) => ({ ...each, watch: names.get(each.watch) })).reverse()
}

async function alarmsOf(monitor: TestMonitor) {
  const { alarms } = (await monitor.get('/api/v1/alarms')).body as {
    alarms: { kind: string; times: number; summary: string }[]
  }
  return alarms.map(({ kind, times, summary }) => ({ kind, times, summary })).reverse()
}

/** Of the newest alarm: which entries of which logs it shows. */
async function sightingsOf(monitor: TestMonitor): Promise<readonly string[]> {
  const { logs } = (await monitor.get('/api/v1/logs')).body as { logs: { id: string; name: string }[] }
  const names = new Map(logs.map(({ id, name }) => [id, name]))
  const { alarms } = (await monitor.get('/api/v1/alarms')).body as {
    alarms: { detail: { sightings: { log: string; leafIndex: string }[] } }[]
  }
  return (alarms[0]?.detail.sightings ?? []).map(({ log, leafIndex }) => `${names.get(log)} ${leafIndex}`)
}

async function showing(log: TestLog, monitor: TestMonitor, leaves: readonly Uint8Array[]) {
  log.show(leaves)
  await monitor.look()
}

t.test('each way to name somebody finds their entries, and nobody else', async (t) => {
  const { log, ct, monitor } = await open(t, [
    { name: 'exact', subject: { exact: workflow } },
    { name: 'glob', repository: { glob: 'https://github.com/example/*' }, issuer: { exact: issuer } },
    { name: 'regex', subject: { regex: '[a-z]+@example\\.com' } },
    { name: 'in ct alone', subject: { exact: workflow }, logs: ['ct'] },
    { name: 'another issuer', subject: { exact: workflow }, issuer: { exact: 'https://accounts.example' } },
    { name: 'paused', subject: { exact: workflow }, paused: true },
  ])
  const ours = await job(authority)
  await showing(log, monitor, [
    rekorEntry(pemOf(ours.der), 'a'),
    rekorEntry(pemOf((await person(authority, 'ada@example.com')).der), 'b'),
    // Of the whole name, so not of one that only holds it.
    rekorEntry(pemOf((await person(authority, 'ada@example.com.evil.example')).der), 'c'),
    utf8('no entry at all'),
    rekorEntry('no certificate', 'd'),
  ])
  await showing(ct, monitor, [precertificateLeaf(ours.tbs, workday.getTime())])
  const found = (await findingsOf(monitor)).map(
    ({ watch, kind, leafIndex }) => `${watch}: ${kind} ${leafIndex}`,
  )
  t.strictSame(found.sort(), [
    'exact: hashedrekord 0.0.1 0',
    'exact: precertificate 0',
    'glob: hashedrekord 0.0.1 0',
    'glob: precertificate 0',
    'in ct alone: precertificate 0',
    'regex: hashedrekord 0.0.1 1',
  ])
  const [first] = await findingsOf(monitor)
  t.match(first, {
    subjects: [workflow],
    issuer,
    workflow,
    repositories: [repository],
    timeOf: 'certificate',
  })
})

t.test('a key is found by its hash, whatever stands around it', async (t) => {
  const { publicKey } = newSigner('ecdsa')
  const { log, monitor } = await open(t, [{ name: 'key', key: sha256Hex(publicKey.spki) }])
  const strangers = encodePublicKeyPem(newSigner('ecdsa').publicKey)
  await showing(log, monitor, [rekorEntry(encodePublicKeyPem(publicKey), 'a'), rekorEntry(strangers, 'b')])
  t.match(await findingsOf(monitor), [{ watch: 'key', leafIndex: '0', timeOf: 'monitor' }])
})

t.test('one watch has one alarm, which counts, and what is read again is not found again', async (t) => {
  const { log, monitor } = await open(t, [{ name: 'app', repository: { exact: repository } }])
  const leaves = await Promise.all(
    [1, 2, 3].map(async (at) => rekorEntry(pemOf((await job(authority)).der), `${at}`)),
  )
  await showing(log, monitor, leaves.slice(0, 2))
  t.match(await alarmsOf(monitor), [
    { kind: 'identity-seen', times: 2, summary: /"app" was found: entry 1 of rekor/ },
  ])
  await showing(log, monitor, leaves)
  t.match(await alarmsOf(monitor), [{ kind: 'identity-seen', times: 3 }])
  const { body } = await monitor.get('/api/v1/alarms')
  const { logs } = (await monitor.get('/api/v1/logs')).body as { logs: { id: string; name: string }[] }
  const id = logs.find(({ name }) => name === 'rekor')?.id ?? 'none'
  t.match(body, { alarms: [{ detail: { sightings: [{ log: id, leafIndex: /^\d+$/ }] } }] })
  // As after a crash between two rounds.
  await monitor.database.pool.query(`update monitor_tree set size = 0, reached = 0, edge = '', reached_edge = '',
    root_hash = decode('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', 'hex')`)
  await monitor.database.pool.query(`update monitor_head set verdict = 'pending'`)
  await monitor.look()
  t.match(await alarmsOf(monitor), [{ kind: 'identity-seen', times: 3 }])
  t.equal((await findingsOf(monitor)).length, 3)
})

t.test('an alarm shows the last entries of all logs, and not those of the last look alone', async (t) => {
  const { log, ct, monitor } = await open(t, [{ name: 'app', repository: { exact: repository } }])
  const ours = await job(authority)
  const leaves = Array.from({ length: 12 }, (_, at) => rekorEntry(pemOf(ours.der), `${at}`))
  await showing(log, monitor, leaves.slice(0, 2))
  await showing(ct, monitor, [precertificateLeaf(ours.tbs, workday.getTime())])
  t.strictSame(await sightingsOf(monitor), ['rekor 0', 'rekor 1', 'ct 0'])
  await showing(log, monitor, leaves)
  t.strictSame(
    await sightingsOf(monitor),
    Array.from({ length: 10 }, (_, at) => `rekor ${at + 2}`),
  )
  t.match(await alarmsOf(monitor), [{ times: 13 }])
})

t.test('only what is unexpected is an alarm, where a watch says so; all of it is a finding', async (t) => {
  const hours = { timeZone: 'Europe/Berlin', days: [1, 2, 3, 4, 5], from: '08:00', to: '18:00' }
  const { log, monitor } = await open(t, [
    { name: 'app', repository: { exact: repository }, alarmOn: ['new-workflow', 'outside-hours'], hours },
  ])
  const other = `${repository}/.github/workflows/other.yml@refs/heads/main`
  const leaves = await Promise.all(
    [{}, {}, { uri: other }, { at: night }].map(async (options, at) =>
      rekorEntry(pemOf((await job(authority, options)).der), `${at}`),
    ),
  )
  for (let size = 1; size <= leaves.length; size++) await showing(log, monitor, leaves.slice(0, size))
  t.strictSame(
    (await findingsOf(monitor)).map(({ reasons }) => reasons),
    [['new-workflow'], [], ['new-workflow'], ['outside-hours']],
  )
  t.match(await alarmsOf(monitor), [
    { kind: 'new-workflow', times: 1, summary: /release\.yml/ },
    { kind: 'new-workflow', times: 1, summary: /other\.yml/ },
    { kind: 'outside-hours', times: 1, summary: /2026-03-05T02:00:00/ },
  ])
})

t.test('hostile names are found, kept and told without harm', async (t) => {
  const name = 'a\u0000b\u202e"<script>\ud83d\ude00'
  const { log, monitor } = await open(t, [{ name: 'any', issuer: { glob: '*' } }])
  const san = { type: 'username', value: name } as const
  const hostile = await authority.issue({ san, claims: { issuer: 'x\u0000y' }, at: workday })
  await showing(log, monitor, [rekorEntry(pemOf(hostile.der), 'a')])
  t.match(await findingsOf(monitor), [{ subjects: [name], issuer: 'x\u0000y' }])
  const [alarm] = await alarmsOf(monitor)
  t.match(alarm?.summary, 'by "a\\u0000b\\u202e\\"<script>')
  const feed = await (await fetch(`${monitor.url}/api/v1/alarms.atom`)).text()
  t.match(feed, '&lt;script&gt;')
  t.notMatch(feed, '<script>')
  await showing(log, monitor, [rekorEntry(pemOf(hostile.der), 'a'), rekorEntry(pemOf(hostile.der), 'b')])
  t.strictSame(await sightingsOf(monitor), ['rekor 0', 'rekor 1'])
})

t.test('a workflow whose name has many bytes is told of as any other', async (t) => {
  const { log, monitor } = await open(t, [
    { name: 'app', repository: { exact: repository }, alarmOn: ['new-workflow'] },
  ])
  const claims = { issuer, buildSignerUri: '\u20ac'.repeat(600), sourceRepositoryUri: repository }
  const hostile = await authority.issue({ san: { type: 'uri', value: workflow }, claims, at: workday })
  await showing(log, monitor, [rekorEntry(pemOf(hostile.der), 'a')])
  t.match(await alarmsOf(monitor), [{ kind: 'new-workflow', times: 1 }])
})

/** 4,802 steps, so twenty have room and 21 do not. */
const large = { regex: `${'a{1000}'.repeat(4)}a{800}` }

t.test('the expressions of all watches have a bound, which a watch without any never meets', async (t) => {
  const { monitor } = await open(t, [{ name: 'of the file', subject: large }])
  const add = (name: string, more: object) => monitor.send('POST', '/api/v1/watches', { name, ...more })
  for (let at = 1; at < 20; at++) t.equal((await add(`${at}`, { subject: large })).status, 201)
  const refused = await add('one more', { subject: large })
  t.equal(refused.status, 409)
  t.match(refused.body, { detail: /expressions of all watches would have \d+ steps/ })
  t.equal((await add('a name', { subject: { exact: 'a' } })).status, 201)
  const paused = (await add('paused', { subject: large, paused: true })).body
  t.equal(paused['paused'], true)
  const path = `/api/v1/watches/${String(paused['id'])}`
  t.equal((await monitor.send('PUT', path, { name: 'paused', subject: large })).status, 409)
  const { watches } = (await monitor.get('/api/v1/watches')).body as { watches: { id: string }[] }
  t.equal((await monitor.send('DELETE', `/api/v1/watches/${watches[2]?.id}`)).status, 204)
  t.equal((await monitor.send('PUT', path, { name: 'paused', subject: large })).status, 200)
})

t.test('a file whose expressions are too large together is refused', (t) => {
  const watches = (count: number) =>
    JSON.stringify({ watches: Array.from({ length: count }, (_, at) => ({ name: `${at}`, subject: large })) })
  t.equal(parseWatches(watches(20)).length, 20)
  t.throws(() => parseWatches(watches(21)), { code: 'bad_file', message: /steps together/ })
  t.end()
})

t.test('a stored watch that is refused by now is told of, and holds up no other', async (t) => {
  const settings = { MONITOR_ALARM_AFTER_SECONDS: '0' }
  const log = await openTestLog(t)
  const monitor = await openMonitor(t, {
    logs: [{ name: 'rekor', kind: 'rekor-v2', url: log.url, key: log.vkey }],
    watches: [{ name: 'app', repository: { exact: repository } }],
    settings,
    start: { rounds: false },
  })
  const store = (name: string, regex: string) =>
    monitor.database.pool.query(
      `insert into monitor_watch (name, source, definition, created_by) values ($1, 'api', $2, 'before')`,
      [name, JSON.stringify({ name, subject: { regex }, alarmOn: ['identity-seen'], paused: false })],
    )
  await store('too large', 'x{1000}'.repeat(6))
  for (let at = 1; at <= 21; at++) await store(`one of many ${at}`, large.regex)
  const leaf = rekorEntry(pemOf((await job(authority)).der), 'a')
  await showing(log, monitor, [leaf])
  t.match(await findingsOf(monitor), [{ watch: 'app', leafIndex: '0' }])
  const unusable = async () => (await alarmsOf(monitor)).filter(({ kind }) => kind === 'unusable-watch')
  t.match(await unusable(), [
    { summary: /^"too large" is not looked for: subject is an expression of \d+ steps/ },
    { summary: /^"one of many 21" is not looked for: its expressions are too large beside/ },
  ])
  const { watches } = (await monitor.get('/api/v1/watches')).body as {
    watches: { id: string; name: string }[]
  }
  for (const { id, name } of watches)
    if (name === 'too large' || name === 'one of many 1')
      t.equal((await monitor.send('DELETE', `/api/v1/watches/${id}`)).status, 204)
  await monitor.look()
  const { alarms } = (await monitor.get('/api/v1/alarms?kind=unusable-watch')).body as {
    alarms: { state: string }[]
  }
  t.strictSame(
    alarms.map(({ state }) => state),
    ['closed', 'closed'],
  )
})
