/** Ways out: a signed webhook, mail, and a feed; what was not taken is told again. */
import { createHmac } from 'node:crypto'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import { type AddressInfo, createServer as createSocketServer } from 'node:net'
import type { StartOptions } from '@sigstack/monitor'
import { createLogger } from '@sigstack/server'
import t, { type Test } from 'tap'
import type { Send } from '../src/telling/deliver.ts'
import { openMail } from '../src/telling/mail.ts'
import { openMonitor } from './support.ts'
import { newSigner, openTestLog, textLeaves } from './test-log.ts'

const secret = 'a secret of the receiver'

type Received = { readonly headers: IncomingHttpHeaders; readonly body: string }

async function openReceiver(t: Test) {
  const received: Received[] = []
  const answers: number[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (part) => (body += part))
    request.on('end', () => {
      received.push({ headers: request.headers, body })
      response.writeHead(answers.shift() ?? 204).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, received, answers }
}

const replies: Readonly<Record<string, string>> = {
  EHLO: '250-mail.example\r\n250 AUTH PLAIN',
  AUTH: '235 welcome',
  STARTTLS: '502 not here',
  QUIT: '221 bye',
}

/** Enough of RFC 5321 for one client at a time. */
async function openMailServer(t: Test) {
  const messages: string[] = []
  const commands: string[] = []
  const first = Promise.withResolvers<string>()
  const server = createSocketServer((socket) => {
    let rest = ''
    let message: string | undefined
    socket.write('220 mail.example\r\n')
    socket.on('error', () => {})
    socket.on('data', (part) => {
      rest += String(part)
      for (let end = rest.indexOf('\r\n'); end !== -1; end = rest.indexOf('\r\n')) {
        const line = rest.slice(0, end)
        rest = rest.slice(end + 2)
        if (message !== undefined && line !== '.') {
          message += `${line}\n`
          continue
        }
        if (message === undefined) commands.push(line)
        else first.resolve(message)
        if (message !== undefined) messages.push(message)
        const isData = message === undefined && line === 'DATA'
        message = isData ? '' : undefined
        const answer = isData ? '354 go on' : (replies[line.split(' ', 1)[0] ?? ''] ?? '250 ok')
        socket.write(`${answer}\r\n`)
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => void server.close())
  const { port } = server.address() as AddressInfo
  return { url: `smtp://127.0.0.1:${port}`, port, messages, commands, first: first.promise }
}

async function open(t: Test, settings: Readonly<Record<string, string>>, start: Partial<StartOptions> = {}) {
  const log = await openTestLog(t)
  const logs = [{ name: 'log', kind: 'rekor-v2', url: log.url, key: log.vkey }]
  const monitor = await openMonitor(t, {
    logs,
    settings: { MONITOR_ALARM_AFTER_SECONDS: '0', ...settings },
    start: { rounds: false, ...start },
  })
  return { log, monitor }
}

t.test('an alarm is told by a signed webhook, until it was taken, and when it has passed', async (t) => {
  const receiver = await openReceiver(t)
  const { log, monitor } = await open(t, {
    MONITOR_WEBHOOK_URL: receiver.url,
    MONITOR_WEBHOOK_SECRET: secret,
  })
  log.fail(500)
  receiver.answers.push(503)
  await monitor.look()
  await monitor.look()
  await monitor.tell()
  t.equal(receiver.received.length, 1, 'one alarm is one message, however often it is met')
  await monitor.tell()
  t.equal(receiver.received.length, 1, 'it is not yet time to try again')
  await monitor.database.pool.query('update monitor_delivery set next_at = now()')
  await monitor.tell()
  const [first, second] = receiver.received
  t.equal(second?.body, first?.body)
  t.equal(second?.headers['webhook-id'], first?.headers['webhook-id'])
  for (const { headers, body } of receiver.received) {
    const signed = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${body}`
    const expected = createHmac('sha256', secret).update(signed).digest('base64')
    t.equal(headers['webhook-signature'], `v1,${expected}`)
  }
  t.match(JSON.parse(first?.body ?? ''), {
    type: 'alarm.opened',
    data: { kind: 'unreachable', severity: 'ticket', state: 'open', summary: /log cannot be followed/ },
  })
  log.fail(undefined)
  await monitor.look()
  await monitor.tell()
  t.match(JSON.parse(receiver.received[2]?.body ?? ''), { type: 'alarm.passed', data: { state: 'closed' } })
  const metrics = await (await fetch(`${monitor.url}/metrics`)).text()
  t.match(metrics, 'monitor_deliveries_total{channel="webhook",outcome="delivered"} 2')
  t.match(metrics, 'monitor_deliveries_total{channel="webhook",outcome="failed"} 1')
})

t.test('an alarm is told by mail', async (t) => {
  const server = await openMailServer(t)
  const { log, monitor } = await open(t, {
    MONITOR_MAIL_URL: server.url,
    MONITOR_MAIL_FROM: 'monitor@example.com',
    MONITOR_MAIL_TO: 'ada@example.com, bob@example.com',
  })
  log.show(textLeaves(2))
  log.signWith(newSigner())
  await monitor.look()
  await monitor.tell()
  t.equal(server.messages.length, 1)
  t.match(server.messages[0], /^Subject: .*sigstack_page/m)
  t.match(server.messages[0], /^To: ada@example\.com, bob@example\.com$/m)
  t.match(server.messages[0], /bad-signature/)
})

/** Of an alarm that nothing is known of. */
const message = {
  id: 'delivery-1',
  event: { type: 'alarm.opened', timestamp: '', data: {} },
} as unknown as Parameters<Send>[0]

t.test('a password goes to another machine over TLS alone', async (t) => {
  const server = await openMailServer(t)
  const tell = async (host: string) => {
    const { log, monitor } = await open(t, {
      MONITOR_MAIL_URL: `smtp://ada:hunter2@${host}:${server.port}`,
      MONITOR_MAIL_FROM: 'monitor@example.com',
      MONITOR_MAIL_TO: 'ada@example.com',
    })
    log.fail(500)
    await monitor.look()
    await monitor.tell()
  }
  // An address of no machine in particular leads to this one, and is none of loopback.
  await tell('0.0.0.0')
  t.match(server.commands, ['EHLO [127.0.0.1]', 'STARTTLS'])
  t.notMatch(server.commands.join(' '), /AUTH|MAIL/)
  await tell('127.0.0.1')
  t.match(server.commands.join(' '), /AUTH PLAIN .* MAIL/)
})

t.test('an attempt by mail ends when its time is over, though the server goes on to talk', async (t) => {
  const talking = Promise.withResolvers<void>()
  const ended = Promise.withResolvers<void>()
  const server = createSocketServer((socket) => {
    socket.on('error', () => {}).once('close', () => ended.resolve())
    socket.write('220-wait\r\n', () => talking.resolve())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => void server.close())
  const url = `smtp://127.0.0.1:${(server.address() as AddressInfo).port}`
  const send = await openMail({ url, needsTls: false, from: 'a@example.com', to: ['b@example.com'] })
  t.teardown(() => send.close())
  const attempt = new AbortController()
  const sending = send(message, attempt.signal)
  await talking.promise
  attempt.abort()
  await t.rejects(sending)
  await ended.promise
})

t.test('who does not answer on one channel holds up no other', async (t) => {
  const silent = createServer(() => {})
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    silent.closeAllConnections()
    silent.close()
  })
  const server = await openMailServer(t)
  const { log, monitor } = await open(t, {
    MONITOR_WEBHOOK_URL: `http://127.0.0.1:${(silent.address() as AddressInfo).port}/`,
    MONITOR_MAIL_URL: server.url,
    MONITOR_MAIL_FROM: 'monitor@example.com',
    MONITOR_MAIL_TO: 'ada@example.com',
  })
  log.fail(500)
  await monitor.look()
  const asked = new Promise((resolve) => silent.once('request', resolve))
  const telling = monitor.tell()
  await asked
  t.match(await server.first, 'log cannot be followed')
  silent.closeAllConnections()
  await telling
})

t.test(
  'what failed before waits behind what is new, and a receiver that is away makes one record',
  async (t) => {
    const receiver = await openReceiver(t)
    const lines: string[] = []
    const destination = { write: (line: string) => void lines.push(line) }
    const { log, monitor } = await open(
      t,
      { MONITOR_WEBHOOK_URL: receiver.url },
      { logger: createLogger({ name: 'monitor', destination }) },
    )
    log.fail(500)
    await monitor.look()
    await monitor.tell()
    receiver.received.length = 0
    const put = (kind: string) =>
      monitor.database.pool.query(
        `insert into monitor_delivery (channel, alarm_id, event) select 'webhook', alarm_id, $1 from monitor_alarm`,
        [{ type: 'alarm.opened', timestamp: '', data: { kind } }],
      )
    const areDue = () => monitor.database.pool.query('update monitor_delivery set next_at = now()')
    const kinds = () => receiver.received.map(({ body }) => JSON.parse(body).data.kind)
    await put('first')
    await put('second')
    receiver.answers.push(503, 503)
    await monitor.tell()
    t.strictSame(kinds(), ['first'], 'what is not taken ends the round')
    await areDue()
    await put('new')
    await monitor.tell()
    t.strictSame(kinds(), ['first', 'second'])
    await areDue()
    await monitor.tell()
    t.strictSame(kinds().slice(2), ['new', 'first', 'second'])
    const told = lines.map((line) => JSON.parse(line)).filter(({ channel }) => channel === 'webhook')
    t.match(told, [
      { level: 'warn', msg: 'an alarm could not be told', reason: 'it answered 503' },
      { level: 'info', msg: 'alarms are told again' },
    ])
    t.equal(told.length, 2)
  },
)

t.test('messages are kept for 30 days, and what waits still is given up then', async (t) => {
  const receiver = await openReceiver(t)
  const { log, monitor } = await open(t, { MONITOR_WEBHOOK_URL: receiver.url })
  const { pool } = monitor.database
  log.fail(500)
  await monitor.look()
  await monitor.tell()
  const put = (channel: string, state: string, daysAgo: number, copies = 1) =>
    pool.query(
      `insert into monitor_delivery (channel, alarm_id, event, state, created_at, next_at)
       select $1, alarm_id, '{}', $2, now() - make_interval(days => $3), now() + interval '1 hour'
       from monitor_alarm, generate_series(1, $4)`,
      [channel, state, daysAgo, copies],
    )
  await put('webhook', 'delivered', 31)
  await put('webhook', 'given-up', 29)
  await put('webhook', 'waiting', 29)
  await put('webhook', 'waiting', 31)
  // A way that was set once.
  await put('mail', 'waiting', 31, 1_200)
  await monitor.tell()
  await monitor.tell()
  const { rows } = await pool.query<{ state: string }>('select state from monitor_delivery order by state')
  t.strictSame(
    rows.map(({ state }) => state),
    ['delivered', 'given-up', 'waiting'],
  )
  const metrics = await (await fetch(`${monitor.url}/metrics`)).text()
  t.match(metrics, 'monitor_deliveries_total{channel="webhook",outcome="given-up"} 1')
  t.match(metrics, 'monitor_deliveries_total{channel="mail",outcome="given-up"} 1200')
})

t.test('mail is set whole or not at all', async (t) => {
  await t.rejects(open(t, { MONITOR_MAIL_TO: 'ada@example.com' }), /belong together/)
  await t.rejects(
    open(t, {
      MONITOR_MAIL_URL: 'smtp://127.0.0.1',
      MONITOR_MAIL_FROM: 'a@example.com',
      MONITOR_MAIL_TO: 'ada',
    }),
    /must list e-mail addresses/,
  )
})
