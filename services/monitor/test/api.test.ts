/** The API: what the console and scripts are built on. */
import { request } from 'node:http'
import t from 'tap'
import { raiseAlarm } from '../src/alarms/alarm-store.ts'
import { openMonitor } from './support.ts'

const watch = { name: 'app', repository: { exact: 'https://github.com/example/app' } }

t.test('a watch is added, replaced, listed and removed', async (t) => {
  const monitor = await openMonitor(t, { watches: [{ name: 'ours', subject: { glob: '*@example.com' } }] })
  const added = await monitor.send('POST', '/api/v1/watches', { ...watch, by: 'ada@example.com' })
  t.equal(added.status, 201)
  t.match(added.body, { ...watch, alarmOn: ['identity-seen'], paused: false, source: 'api', findings: 0 })
  t.equal(added.body['createdBy'], 'ada@example.com')
  const path = `/api/v1/watches/${String(added.body['id'])}`

  const hours = { timeZone: 'Europe/Berlin', days: [1, 2, 3, 4, 5], from: '08:00', to: '18:00' }
  const next = { ...watch, alarmOn: ['outside-hours'], hours, paused: true }
  t.match((await monitor.send('PUT', path, next)).body, next)
  t.match((await monitor.get(path)).body, next)

  const first = (await monitor.get('/api/v1/watches?limit=1')).body
  t.match(first, { watches: [{ name: 'app' }], next: added.body['id'] })
  const second = (await monitor.get(`/api/v1/watches?limit=1&cursor=${String(first['next'])}`)).body
  t.match(second, { watches: [{ name: 'ours', source: 'file' }] })
  t.notOk('next' in second)

  t.equal((await monitor.send('DELETE', path)).status, 204)
  t.equal((await monitor.get(path)).status, 404)
  t.strictSame((await monitor.get('/api/v1/findings')).body, { findings: [] })
})

t.test('a body that does not say that it is JSON is refused with what to send', async (t) => {
  const monitor = await openMonitor(t)
  const body = new URLSearchParams({ name: 'app' })
  const answer = await fetch(`${monitor.url}/api/v1/watches`, { method: 'POST', body })
  t.equal(answer.status, 415)
  t.match(await answer.json(), { detail: /Content-Type: application\/json/ })
})

t.test('a watch of the file is changed in the file alone', async (t) => {
  const monitor = await openMonitor(t, { watches: [watch] })
  const [listed] = (await monitor.get('/api/v1/watches')).body['watches'] as { id: string }[]
  const path = `/api/v1/watches/${listed?.id}`
  t.equal((await monitor.send('PUT', path, watch)).status, 409)
  t.equal((await monitor.send('DELETE', path)).status, 409)
  const again = await openMonitor(t, { database: monitor.database, watches: [] })
  t.strictSame((await again.get('/api/v1/watches')).body, { watches: [] })
})

t.test('what is no watch is told why', async (t) => {
  const monitor = await openMonitor(t)
  for (const body of [[], { ...watch, colour: 'red' }, { name: 'a', subject: { regex: '(?=a)' } }]) {
    const answer = await monitor.send('POST', '/api/v1/watches', body)
    t.equal(answer.status, 400)
    t.match(answer.body['detail'], /name must|no member "colour"|RE2/)
  }
  for (const path of ['/api/v1/watches/x', '/api/v1/watches?limit=0', '/api/v1/alarms?state=red'])
    t.equal((await monitor.get(path)).status, 400, path)
})

t.test('an alarm of one matter is one row, until it is closed', async (t) => {
  const monitor = await openMonitor(t)
  const trouble = {
    kind: 'bad-signature',
    matter: 'rekor',
    summary: 'a head is not signed',
    detail: {},
  } as const
  const { pool } = monitor.database
  t.match(await raiseAlarm(pool, trouble), { isNew: true })
  t.match(await raiseAlarm(pool, { ...trouble, detail: { size: '7' } }), { isNew: false })
  const [alarm] = (await monitor.get('/api/v1/alarms?state=open')).body['alarms'] as { id: string }[]
  t.match(alarm, { kind: 'bad-signature', severity: 'page', times: 2, state: 'open', detail: { size: '7' } })

  const path = `/api/v1/alarms/${alarm?.id}`
  // As long as the console names anybody: a name, and the issuer that knows it.
  const person = `${'a'.repeat(255)} at ${'b'.repeat(255)}`
  const known = await monitor.send('POST', `${path}/acknowledge`, { by: 'ada', note: 'I look into it' })
  t.match(known.body, {
    state: 'acknowledged',
    acts: [{ act: 'acknowledge', by: 'ada', note: 'I look into it' }],
  })
  t.equal((await monitor.send('POST', `${path}/acknowledge`, {})).status, 409)
  t.match(await raiseAlarm(pool, trouble), { isNew: false }, 'what is known is counted')
  t.match((await monitor.send('POST', `${path}/close`, { by: person })).body, { state: 'closed', times: 3 })
  t.match(await raiseAlarm(pool, trouble), { isNew: true }, 'after it is closed it is new')
  t.equal((await monitor.send('POST', `${path}/reopen`, {})).status, 409, 'the later one is about the same')
  t.match((await monitor.get('/api/v1/alarms?state=closed,acknowledged&kind=bad-signature')).body, {
    alarms: [{ id: alarm?.id }],
  })
  t.equal((await monitor.send('POST', `${path}/close`, { who: 'x' })).status, 400)
  t.equal((await monitor.send('POST', `${path}/close`, { by: 'x'.repeat(521) })).status, 400)
  t.equal((await monitor.send('POST', '/api/v1/alarms/999/close', {})).status, 404)
})

t.test('without a token only this machine may ask, and no page of a browser', async (t) => {
  const monitor = await openMonitor(t)
  const statusWith = (headers: Record<string, string>) =>
    new Promise<number | undefined>((resolve, reject) => {
      request(`${monitor.url}/api/v1/logs`, { headers }, (answer) => {
        answer.resume()
        resolve(answer.statusCode)
      })
        .on('error', reject)
        .end()
    })
  t.equal(await statusWith({}), 200)
  t.equal(await statusWith({ origin: 'https://evil.example' }), 401)
  t.equal(await statusWith({ host: 'rebound.example' }), 401)
  t.equal(await statusWith({ host: 'localhost:1' }), 200)
})

t.test('with a token nobody is let without it', async (t) => {
  const token = 'a token of the monitor'.replaceAll(' ', '-')
  const monitor = await openMonitor(t, { settings: { MONITOR_TOKEN: token } })
  t.equal((await monitor.get('/api/v1/logs')).status, 200)
  const status = async (authorization?: string) => {
    const headers = authorization === undefined ? {} : { authorization }
    return (await fetch(`${monitor.url}/api/v1/alarms`, { headers })).status
  }
  t.equal(await status(), 401)
  t.equal(await status(`Bearer ${token}x`), 401)
  t.equal(await status(`Basic ${Buffer.from(`feed:${token}`).toString('base64')}`), 200)
  t.equal((await fetch(`${monitor.url}/readyz`)).status, 200)
  await t.rejects(openMonitor(t, { settings: { MONITOR_HOST: '0.0.0.0' } }), /MONITOR_TOKEN must be set/)
})
