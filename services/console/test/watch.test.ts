/** The watch room: alarms in words, acts, watches; and who is kept out of it. */
import { request } from 'node:http'
import { schemas } from '@sigstack/monitor-api'
import type { FastifyRequest } from 'fastify'
import t, { type Test } from 'tap'
import { Value } from 'typebox/value'
import { AccessError, assertOwnForm } from '../src/html/form.ts'
import { readerOf } from '../src/reader.ts'
import type { FollowedLog } from '../src/sources/monitor.ts'
import { entryLinks } from '../src/watch/entry-links.ts'
import { answers, openFakeMonitor, script, token } from './fake-monitor.ts'
import { openConsole, openLog } from './workshop.ts'

const own = { 'sec-fetch-site': 'same-origin' }
const access = { CONSOLE_ACCESS: 'header', CONSOLE_OPERATORS: 'olga', CONSOLE_TRUSTED_PROXIES: '127.0.0.1' }
const operator = { 'x-forwarded-user': 'olga' }

async function open(
  t: Test,
  {
    settings = {},
    changed = {},
  }: {
    readonly settings?: Readonly<Record<string, string>>
    readonly changed?: Readonly<Record<string, unknown>>
  } = {},
) {
  const monitor = await openFakeMonitor(t, changed)
  const { url } = await openConsole(t, await openLog(t, []), {
    CONSOLE_MONITOR_URL: monitor.url,
    CONSOLE_MONITOR_TOKEN: token,
    ...settings,
  })
  return { url, monitor }
}

async function get(url: string, headers: Record<string, string> = {}) {
  const answer = await fetch(url, { headers })
  return { status: answer.status, text: await answer.text() }
}

function post(
  url: string,
  fields: readonly (readonly [string, string])[],
  headers: Record<string, string> = own,
) {
  const body = new URLSearchParams(fields.map(([name, value]): [string, string] => [name, value]))
  return fetch(url, { method: 'POST', body, headers, redirect: 'manual' })
}

/** `fetch` sets the host itself. */
function statusFor(url: string, headers: Record<string, string>): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request(url, { headers }, (answer) => resolve(answer.resume().statusCode))
      .on('error', reject)
      .end()
  })
}

t.test('the monitor of these tests answers as the monitor documents it', async (t) => {
  const told = [
    ...[...answers['GET /alarms'].alarms, answers['GET /alarms/7']].map(
      (row) => [schemas.Alarm, row] as const,
    ),
    ...answers['GET /watches'].watches.map((row) => [schemas.Watch, row] as const),
    ...answers['GET /logs'].logs.map((row) => [schemas.Log, row] as const),
  ]
  for (const [schema, row] of told) {
    t.ok(Value.Check(schema, row), row.id)
    for (const name of Object.keys(row)) t.ok(Object.hasOwn(schema.properties, name), name)
  }
})

t.test(
  'alarms are told in words, the most urgent first, and nothing of a stranger becomes markup',
  async (t) => {
    const { url, monitor } = await open(t)
    const { status, text } = await get(`${url}/watch`)
    t.equal(status, 200)
    t.match(text, '<strong>2</strong> alarms are open, of which 1 cannot wait')
    t.ok(text.indexOf('two histories') < text.indexOf('one whom you watch'), 'urgent ones come first')
    for (const part of [
      'log rekor',
      'watch =&lt;script&gt;',
      'met 2 times',
      'What to do next',
      '123,456',
      'there is more to read, read so far: 65,536',
      '*@example.org',
    ])
      t.match(text, part)
    for (const path of ['/watch', '/watch/alarms', '/watch/alarms/7']) {
      const page = await get(url + path)
      t.equal(page.status, 200, path)
      t.notMatch(page.text, script, path)
      t.notMatch(page.text, '\u202e', path)
      t.notMatch(page.text, 'href="javascript:', path)
      t.match(page.text, '&lt;script&gt;', path)
    }
    const one = (await get(`${url}/watch/alarms/7`)).text
    for (const part of ['leaf index', 'deeper', 'U+202E', '<pre class="raw" tabindex="0">a\nb</pre>'])
      t.match(one, part)
    t.ok(monitor.asked.every(({ authorization }) => authorization === `Bearer ${token}`))
    t.equal((await get(`${url}/watch/alarms/9`)).status, 404)
    t.equal((await get(`${url}/watch/alarms/x`)).status, 404)
  },
)

t.test('an alarm leads to the entry where the console shows that log', async (t) => {
  const { url } = await open(t, { settings: { CONSOLE_CT_URL: 'http://127.0.0.1:9' } })
  const { text } = await get(`${url}/watch/alarms/7`)
  t.match(text, '<dt>log</dt><dd>certificates</dd>')
  t.match(text, '<a href="/entry/ct/4">4</a>')
  t.notMatch(text, '">3</a>', 'of a log that is not shown here')
  const urls = { rekor: 'http://rekor', rekorV2: 'http://rekor-v2/' }
  const followed = { id: '1', name: 'one', state: 'following', verified: '0', reached: '0' }
  const linkOf = (log: Pick<FollowedLog, 'kind' | 'url' | 'shard'>, index = '5') =>
    entryLinks([{ ...followed, ...log }], urls)('1', index)
  t.equal(linkOf({ kind: 'rekor-v2', url: 'http://rekor-v2' }), '/entry/rekor-v2/5')
  t.equal(linkOf({ kind: 'rekor-v1', url: 'http://rekor', shard: '77' }), '/entry/77/5')
  t.equal(linkOf({ kind: 'rekor-v1', url: 'http://rekor', shard: '../x' }), undefined)
  t.equal(linkOf({ kind: 'rekor-v2', url: 'http://rekor-v2' }, '../x'), undefined)
  t.equal(linkOf({ kind: 'rekor-v1', url: 'http://rekor-v2', shard: '77' }), undefined, 'of another log')
  t.equal(linkOf({ kind: 'ct', url: 'http://ct' }), undefined)
})

t.test('tables are there as data, of which no cell is a formula', async (t) => {
  const { url } = await open(t)
  for (const table of ['alarms', 'watches', 'logs']) {
    const json = JSON.parse((await get(`${url}/watch/${table}.json`)).text)
    t.ok(json[table].length > 0, table)
    const { text } = await get(`${url}/watch/${table}.csv`)
    t.equal(text.split('\r\n').length, json[table].length + 2, table)
    t.notMatch(text, /^[=+@-]|,"?=/m, table)
  }
  const one = await get(`${url}/watch/alarms/7`, { accept: 'application/json' })
  t.equal(JSON.parse(one.text).detail.size, String(2 ** 60), 'a number beyond those that are exact')
})

t.test('what is done is done as who does it, and leads back to a page', async (t) => {
  const { url, monitor } = await open(t, { settings: access })
  const headers = { ...own, ...operator }
  const closed = await post(`${url}/watch/alarms/7/close`, [['note', ' that was me ']], headers)
  t.equal(closed.status, 303)
  t.equal(closed.headers.get('location'), '/watch/alarms/7')
  t.match(monitor.asked.at(-1), { path: '/alarms/7/close', body: { by: 'olga', note: 'that was me' } })
  const added = await post(
    `${url}/watch/watches`,
    [
      ['name', 'people'],
      ['subjectForm', 'glob'],
      ['subject', '*@example.org'],
      ['issuer', ''],
      ['key', 'AB'.repeat(32)],
      ['alarmOn', 'outside-hours'],
      ['timeZone', 'Europe/Berlin'],
      ['from', '08:00'],
      ['to', '18:00'],
      ['days', 'Mon'],
      ['days', 'Sun'],
    ],
    headers,
  )
  t.equal(added.status, 303)
  t.strictSame(monitor.asked.at(-1)?.body, {
    name: 'people',
    subject: { glob: '*@example.org' },
    key: 'ab'.repeat(32),
    alarmOn: ['outside-hours'],
    hours: { timeZone: 'Europe/Berlin', days: [1, 7], from: '08:00', to: '18:00' },
    by: 'olga',
  })
  t.equal((await post(`${url}/watch/watches/2/remove`, [], headers)).status, 303)
  t.match(monitor.asked.at(-1), { method: 'DELETE', path: '/watches/2' })
  t.equal((await post(`${url}/watch/watches/3/remove`, [], headers)).status, 404)
  t.equal((await post(`${url}/watch/alarms/7/burn`, [], headers)).status, 404)
})

t.test('a watch that the monitor does not take comes back with what was filled in', async (t) => {
  const changed = { 'POST /watches': { status: 400, detail: 'a watch needs one of subject, issuer' } }
  const { url } = await open(t, { changed })
  const answer = await post(`${url}/watch/watches`, [['name', script]])
  t.equal(answer.status, 400)
  const text = await answer.text()
  t.match(text, 'a watch needs one of subject')
  t.match(text, 'value="&lt;script&gt;')
})

t.test(
  'what is filled in goes to the monitor as it is, and hours that are asked for stay open',
  async (t) => {
    const detail = 'alarmOn has outside-hours, so hours is needed'
    const { url, monitor } = await open(t, { changed: { 'POST /watches': { status: 400, detail } } })
    const long = 'a'.repeat(3_000)
    const fields: [string, string][] = [
      ['name', 'people'],
      ['subject', long],
      ['alarmOn', 'outside-hours'],
    ]
    const text = await (await post(`${url}/watch/watches`, fields)).text()
    t.match(monitor.asked.find(({ method }) => method === 'POST')?.body, {
      subject: { exact: long },
      hours: { timeZone: '', days: [], from: '', to: '' },
    })
    t.match(text, detail)
    t.match(text, '<details open><summary>Hours')
    t.match((await get(`${url}/watch`)).text, '<details><summary>Hours')
  },
)

t.test('readers are kept out, and do not see the way in', async (t) => {
  const { url, monitor } = await open(t, { settings: access })
  const reader = { 'x-forwarded-user': 'rita' }
  const paths = [
    '/watch',
    '/watch/alarms',
    '/watch/alarms/7',
    '/watch/alarms.json',
    '/watch/watches.csv',
    '/watch/logs.json',
  ]
  for (const path of paths) {
    t.equal((await get(url + path, reader)).status, 403, path)
    t.equal((await get(url + path, operator)).status, 200, path)
    t.equal((await get(url + path)).status, 401, path)
  }
  t.match((await get(`${url}/watch`, reader)).text, 'for operators')
  t.notMatch((await get(url, reader)).text, 'href="/watch"')
  t.match((await get(url, operator)).text, 'href="/watch"')
  const before = monitor.asked.length
  t.equal((await post(`${url}/watch/alarms/7/close`, [], { ...own, ...reader })).status, 403)
  t.equal(monitor.asked.length, before, 'the monitor was not asked')
})

t.test('an open console has the room on its own machine alone', async (t) => {
  const { url } = await open(t)
  const { port } = new URL(url)
  t.equal(await statusFor(`${url}/watch`, { host: `localhost:${port}` }), 200)
  t.equal(await statusFor(`${url}/watch`, { host: `evil.example:${port}` }), 403, 'a name that was led here')
  for (const name of [
    'Forwarded',
    'Via',
    'X-Forwarded-For',
    'X-Forwarded-Proto',
    'X-Real-IP',
    'X-Client-IP',
    'X-Cluster-Client-IP',
    'X-Original-URL',
    'X-Original-Forwarded-For',
    'CF-Connecting-IP',
    'True-Client-IP',
    'Fastly-Client-IP',
    'X-Envoy-External-Address',
    'CDN-Loop',
  ])
    t.equal(
      await statusFor(`${url}/watch`, { [name]: '192.0.2.1' }),
      403,
      `through a proxy that sends ${name}`,
    )
  const hiding = await open(t, { settings: { CONSOLE_HIDE_ADDRESSES: '1' } })
  t.equal((await get(`${hiding.url}/watch`)).status, 403)
  t.notMatch((await get(hiding.url)).text, 'href="/watch"')
  const seen = (host: string) => {
    const settings = { access: { mode: 'open' }, hidesAddresses: false, host } as const
    const vouchers = { isTrusted: () => true, sessionOf: () => undefined }
    return readerOf({ headers: { host: 'localhost' } } as FastifyRequest, settings, vouchers)?.seesAlarms
  }
  t.equal(seen('::1'), true)
  for (const host of ['0.0.0.0', '::', '192.0.2.1']) t.equal(seen(host), false, 'others could come in')
})

t.test('forms of other pages are refused before anything is asked', async (t) => {
  const { url, monitor } = await open(t)
  const act = `${url}/watch/alarms/7/close`
  const { host, port } = new URL(url)
  const foreign: readonly Record<string, string>[] = [
    {},
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { origin: `http://127.0.0.1:${Number(port) === 1 ? 2 : 1}` },
    { 'sec-fetch-site': 'cross-site', origin: `http://${host}` },
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'none' },
  ]
  for (const headers of foreign) t.equal((await post(act, [], headers)).status, 403, JSON.stringify(headers))
  const nameless = { headers: {}, host: '' } as FastifyRequest
  t.throws(() => assertOwnForm(nameless), AccessError, 'neither an origin nor a host to compare')
  t.equal(monitor.asked.length, 0)
  for (const path of ['/watch/watches', '/watch/watches/2/remove'])
    t.equal((await post(url + path, [], { origin: 'https://evil.example' })).status, 403, path)
  t.equal(monitor.asked.length, 0)
  t.equal((await post(act, [], { origin: `http://${host}` })).status, 303)
  t.equal(
    (await fetch(`${url}/watch`)).headers.get('referrer-policy'),
    'same-origin',
    'or browsers would send none',
  )
})

t.test('a monitor that is down, or takes not our token, is told as such', async (t) => {
  const down = await open(t, { settings: { CONSOLE_MONITOR_URL: 'http://127.0.0.1:9' } })
  const wrong = await open(t, { settings: { CONSOLE_MONITOR_TOKEN: 'another-token-than-its' } })
  const odd = await open(t, { changed: { 'GET /alarms': { alarms: [{ id: '../x' }] } } })
  for (const path of ['/watch', '/watch/alarms', '/watch/alarms/7', '/watch/alarms.csv']) {
    const { status, text } = await get(down.url + path)
    t.equal(status, 503, path)
    t.match(text, 'The monitor cannot be asked now', path)
    t.match((await get(wrong.url + path)).text, 'takes nothing from this console', path)
    t.equal((await get(wrong.url + path)).status, 503, path)
  }
  t.equal((await post(`${down.url}/watch/watches`, [['name', 'x']])).status, 503)
  t.equal((await get(`${odd.url}/watch`)).status, 502)
  t.notMatch((await get(`${wrong.url}/watch`)).text, 'another-token')
})

t.test('without a monitor there is no room', async (t) => {
  const { url } = await openConsole(t, await openLog(t, []))
  t.equal((await get(`${url}/watch`)).status, 404)
  t.notMatch((await get(url)).text, 'href="/watch"')
})
